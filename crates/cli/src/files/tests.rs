use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_set_appears_as_a_whole_with_its_modes() {
    let dir = tempfile::tempdir().unwrap();
    let (key, cert) = (
        dir.path().join("new/folder/tls.key"),
        dir.path().join("tls.crt"),
    );
    let mut set = FileSet::default();
    set.stage(&key, Readers::Owner, b"k").unwrap();
    set.stage(&cert, Readers::Everyone, b"c").unwrap();
    assert!(!key.exists() && !cert.exists());
    set.commit().unwrap();
    assert_eq!(
        (fs::read(&key).unwrap(), fs::read(&cert).unwrap()),
        (b"k".to_vec(), b"c".to_vec())
    );
    assert_eq!(names(dir.path()), ["new", "tls.crt"]);
    #[cfg(unix)]
    assert_eq!((mode(&key), mode(&cert)), (0o600, 0o644));
}

#[test]
fn a_set_that_is_given_up_leaves_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("tls.key");
    fs::write(&key, b"old").unwrap();
    let mut set = FileSet::default();
    set.stage(&key, Readers::Owner, b"new").unwrap();
    assert!(
        set.stage(dir.path(), Readers::Everyone, b"a folder stands here")
            .is_err()
    );
    drop(set);
    assert_eq!(fs::read(&key).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["tls.key"]);
}

#[test]
fn a_key_that_everyone_could_read_is_tightened() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("tls.key");
    fs::write(&key, b"old").unwrap();
    let mut set = FileSet::default();
    set.stage(&key, Readers::Owner, b"new").unwrap();
    set.commit().unwrap();
    #[cfg(unix)]
    assert_eq!(mode(&key), 0o600);
}

#[test]
fn a_file_longer_than_the_limit_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, b"12345").unwrap();
    assert_eq!(read(&path, 5).unwrap(), b"12345");
    let failure = read(&path, 4).unwrap_err();
    assert_eq!(failure.exit, Exit::Local);
}

#[test]
fn a_missing_file_is_named() {
    let failure = read(Path::new("/nowhere/tls.key"), 5).unwrap_err();
    assert!(
        failure.message.starts_with("/nowhere/tls.key: "),
        "{failure}"
    );
}

#[test]
fn a_bare_name_is_in_the_current_folder() {
    assert_eq!(folder_of(Path::new("tls.key")), Path::new("."));
    assert_eq!(folder_of(Path::new("/tls.key")), Path::new("/"));
}
