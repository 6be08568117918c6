//! Traces: what a collector gets, and what happens when there is none.

use std::sync::mpsc;

use proto_tests::native::{Native, NativeSetup};
use proto_tests::{CmpCa, FakeUpstream, Port, upstream::Reply};

use crate::enroll_with;

/// One span as it is sent.
#[derive(Debug)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
}

/// The length-delimited fields of a protobuf message, by number; others are passed over.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        match key & 7 {
            0 => drop(varint(&mut message)),
            1 => message = &message[8..],
            2 => {
                let length = usize::try_from(varint(&mut message)).unwrap();
                let (content, rest) = message.split_at(length);
                found.push((key >> 3, content));
                message = rest;
            }
            5 => message = &message[4..],
            other => panic!("wire type {other}"),
        }
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (octet, rest) = message.split_first().unwrap();
        *message = rest;
        value |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            break;
        }
    }
    value
}

/// ExportTraceServiceRequest.resource_spans(1).scope_spans(2).spans(2) of opentelemetry/proto/trace/v1.
fn spans(request: &[u8]) -> Vec<Span> {
    let below = |messages: Vec<(u64, Vec<u8>)>, number| -> Vec<(u64, Vec<u8>)> {
        let all = messages.iter().flat_map(|(_, message)| fields(message));
        let wanted = all.filter(|(field, _)| *field == number);
        wanted
            .map(|(field, content)| (field, content.to_vec()))
            .collect()
    };
    let resources = below(vec![(0, request.to_vec())], 1);
    let spans = below(below(resources, 2), 2);
    let read = |(_, span): &(u64, Vec<u8>)| {
        let fields = fields(span);
        let field = |number| {
            fields
                .iter()
                .find(|(n, _)| *n == number)
                .map_or(&[][..], |(_, c)| *c)
        };
        Span {
            trace: hex::encode(field(1)),
            id: hex::encode(field(2)),
            parent: hex::encode(field(4)),
            name: String::from_utf8_lossy(field(5)).into_owned(),
        }
    };
    spans.iter().map(read).collect()
}

/// A service before that CA which sends its traces there.
fn sending(ca: &CmpCa, collector: &str) -> Native {
    let setup = NativeSetup::new();
    let config = setup.cmp_authority(&ca.url(), &ca.root.certificate, "")
        + &setup.label("", "")
        + &format!("[telemetry.otlp]\nendpoint = \"{collector}\"\n");
    setup.start(&config)
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

#[test]
fn a_request_and_its_calls_to_the_ca_are_spans_of_the_callers_trace() {
    let (sent, received) = mpsc::channel();
    let sent = std::sync::Mutex::new(sent);
    let collector = FakeUpstream::start(move |request| {
        sent.lock().unwrap().send(request.body.clone()).unwrap();
        Reply::http(200, "application/x-protobuf", Vec::new())
    });
    let ca = CmpCa::start();
    let mut native = sending(&ca, &collector.url(""));
    let client = native.rest(Some(&native.setup.pki.client));
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let answer = enroll_with(&client, "CN=a", &[("traceparent", &traceparent)]);
    assert_eq!(answer.status, 201, "{}", answer.text());
    native.program.terminate();
    let all: Vec<Span> = received.try_iter().flat_map(|body| spans(&body)).collect();
    let ours: Vec<&Span> = all.iter().filter(|span| span.trace == TRACE).collect();
    let request = ours.iter().find(|span| span.name == "request").unwrap();
    assert_eq!(request.parent, PARENT);
    let calls: Vec<_> = ours.iter().filter(|span| span.name == "upstream").collect();
    assert_eq!(calls.len(), 2, "{all:?}");
    assert!(
        calls.iter().all(|call| call.parent == request.id),
        "{all:?}"
    );
}

#[test]
fn the_ca_is_told_which_trace_its_call_belongs_to_and_nothing_without_one() {
    let collector = FakeUpstream::answering(Reply::http(200, "application/x-protobuf", Vec::new()));
    for traced in [true, false] {
        let ca = FakeUpstream::answering(Reply::http(503, "text/plain", "not now"));
        let setup = NativeSetup::new();
        let mut config =
            setup.cmp_authority(&ca.url("/"), &setup.root.certificate, "") + &setup.label("", "");
        if traced {
            config += &format!("[telemetry.otlp]\nendpoint = \"{}\"\n", collector.url(""));
        }
        let native = setup.start(&config);
        let client = native.rest(Some(&native.setup.pki.client));
        let traceparent = format!("00-{TRACE}-{PARENT}-01");
        assert_eq!(
            enroll_with(&client, "CN=a", &[("traceparent", &traceparent)]).status,
            503
        );
        let head = ca.received()[0].head.to_ascii_lowercase();
        let told = head.split("traceparent: ").nth(1).map(str::to_owned);
        match told {
            Some(told) => assert!(
                traced && told.starts_with(&format!("00-{TRACE}-")) && !told.contains(PARENT)
            ),
            None => assert!(!traced),
        }
    }
}

#[test]
fn a_collector_that_nobody_runs_costs_a_line_of_the_log() {
    let nobody = Port::free();
    let ca = CmpCa::start();
    let native = sending(&ca, &format!("http://{}", nobody.address()));
    let client = native.rest(Some(&native.setup.pki.client));
    assert_eq!(enroll_with(&client, "CN=a", &[]).status, 201);
    native.program.log_has("traces could not be sent");
    assert_eq!(enroll_with(&client, "CN=b", &[]).status, 201);
}
