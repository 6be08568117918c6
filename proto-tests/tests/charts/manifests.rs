//! `deploy/kubernetes`, for whoever has no Helm.

use proto_tests::Launch;
use proto_tests::kube::Stack;
use proto_tests::kube::chart::repository;

#[test]
fn the_plain_manifests_are_the_rendered_chart() {
    let Some(stack) = Stack::here() else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = repository("deploy/kubernetes");
    let ended = Launch::of(here.join("render"), folder.path())
        .env("HELM", stack.path("helm"))
        .env("HOME", folder.path())
        .arg(folder.path().join("rendered"))
        .run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut compared = 0;
    for rendered in std::fs::read_dir(folder.path().join("rendered")).unwrap() {
        let rendered = rendered.unwrap();
        let ours = here.join(rendered.file_name());
        let same = std::fs::read(&ours).ok() == Some(std::fs::read(rendered.path()).unwrap());
        assert!(
            same,
            "{} is not the rendered chart: deploy/kubernetes/render makes it",
            ours.display()
        );
        compared += 1;
    }
    let yaml = std::fs::read_dir(here).unwrap().filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    assert_eq!(yaml.count(), compared, "a file there is not rendered");
}
