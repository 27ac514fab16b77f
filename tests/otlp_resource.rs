//! The resource: which source of an attribute wins, what the variables may say, and what the detectors find.
#![cfg(feature = "otlp")]

use std::{collections::HashMap, env, fs, process, process::Command};

use freewheel::{
    metrics::{KeyValue, Value},
    otlp::{Environment, Resource, ResourceBuilder, ResourceError},
};
use proptest::{collection::vec, prelude::any, prop_assert_eq, proptest};

const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// A resource that starts from nothing but these variables.
fn only(variables: &[(&str, &str)]) -> ResourceBuilder {
    let environment = Environment::from_variables(variables.iter().copied());
    Resource::builder().environment(environment).without_defaults()
}

/// What `OTEL_RESOURCE_ATTRIBUTES` makes of `list`; it has to be taken as a whole.
fn read(list: &str) -> Vec<(String, String)> {
    let resource = only(&[(ATTRIBUTES, list)]).build().unwrap();
    assert_eq!(resource.warnings(), [], "{list:?}");
    let attributes = resource.attributes().iter();
    attributes.map(|attribute| (attribute.key.to_string(), attribute.value.to_string())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn text(resource: &Resource, key: &str) -> String {
    match resource.get(key) {
        Some(Value::String(text)) => text.to_string(),
        other => panic!("{key} is {other:?}"),
    }
}

/// A resource without variables and defaults: with what one detector finds.
fn detected(detector: impl FnOnce(ResourceBuilder) -> ResourceBuilder) -> Resource {
    detector(only(&[])).build().unwrap()
}

#[test]
fn each_source_beats_those_below_it() {
    const KEY: &str = "service.name";
    let in_code = |builder: ResourceBuilder| builder.service_name("code");
    let by_detector = |builder: ResourceBuilder| builder.detect(|| [KeyValue::new(KEY, "detector")]);
    let name = (SERVICE_NAME, "name variable");
    let list = (ATTRIBUTES, "service.name=list variable");
    let defaults = |variables: &[(&str, &str)]| {
        Resource::builder().environment(Environment::from_variables(variables.iter().copied()))
    };
    let winner = |builder: ResourceBuilder| text(&builder.build().unwrap(), KEY);

    assert_eq!(winner(in_code(by_detector(defaults(&[name, list])))), "code");
    // The order of the calls does not matter.
    assert_eq!(winner(by_detector(in_code(defaults(&[name, list])))), "code");
    assert_eq!(winner(by_detector(defaults(&[name, list]))), "name variable");
    assert_eq!(winner(by_detector(defaults(&[list]))), "list variable");
    assert_eq!(winner(by_detector(defaults(&[]))), "detector");
    let executable = env::current_exe().unwrap();
    let executable = executable.file_name().unwrap().to_str().unwrap();
    assert_eq!(winner(defaults(&[])), format!("unknown_service:{executable}"));
    assert_eq!(only(&[]).build().unwrap(), Resource::empty());
}

#[test]
fn within_a_source_the_last_value_stays() {
    let resource = only(&[(ATTRIBUTES, "b=1,b=2")])
        .attributes([KeyValue::new("a", 1), KeyValue::new("a", 2)])
        .detect(|| [KeyValue::new("c", 1), KeyValue::new("d", 1)])
        .attribute("a", 3)
        .detect(|| Some(KeyValue::new("c", 2)));
    let expected =
        [KeyValue::new("a", 3), KeyValue::new("b", "2"), KeyValue::new("c", 2), KeyValue::new("d", 1)];
    assert_eq!(resource.build().unwrap().attributes(), expected);
}

#[test]
fn by_default_there_are_service_and_library() {
    let build = || Resource::builder().environment(Environment::none()).build().unwrap();
    let resource = build();
    let keys: Vec<_> = resource.attributes().iter().map(|attribute| &*attribute.key).collect();
    let expected = [
        "service.instance.id",
        "service.name",
        "telemetry.sdk.language",
        "telemetry.sdk.name",
        "telemetry.sdk.version",
    ];
    assert_eq!(keys, expected);
    assert_eq!(text(&resource, "telemetry.sdk.name"), "freewheel");
    assert_eq!(text(&resource, "telemetry.sdk.version"), env!("CARGO_PKG_VERSION"));
    let instance = text(&resource, "service.instance.id");
    assert_eq!((instance.len(), instance.as_bytes()[14]), (36, b'4'), "{instance} is a random UUID");
    assert_eq!(build(), resource, "the instance is that of the process");
    assert_eq!(resource.schema_url(), None);
}

#[test]
fn the_service_is_described_by_methods_of_its_own() {
    let url = "https://example.com/schemas/1.2.0";
    let resource = only(&[]).service_name("till").service_version("1.2").service_namespace("shop");
    let resource = resource.schema_url(url).build().unwrap();
    assert_eq!(text(&resource, "service.name"), "till");
    assert_eq!(text(&resource, "service.version"), "1.2");
    assert_eq!(text(&resource, "service.namespace"), "shop");
    assert_eq!(resource.schema_url(), Some(url));
    assert_eq!(resource.get("service"), None);
    let without = only(&[]).attributes(resource.attributes().to_vec()).schema_url("").build().unwrap();
    assert_eq!(without.schema_url(), None);
    assert_ne!(without, resource);
}

#[test]
fn an_attribute_needs_a_key() {
    let built = [only(&[]).attribute("", 1).build(), only(&[]).detect(|| [KeyValue::new("", 1)]).build()];
    for error in built.map(Result::unwrap_err) {
        assert_eq!(error, ResourceError::EmptyKey);
        assert!(error.to_string().contains("give it a name"), "{error}");
    }
}

#[test]
fn the_list_of_attributes_is_decoded() {
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("a=1,b=two", &[("a", "1"), ("b", "two")]),
        ("", &[]),
        (" \t a = 1 ,\tb=2 ", &[("a", "1"), ("b", "2")]),
        ("a=1,,b=2,", &[("a", "1"), ("b", "2")]),
        ("a=", &[("a", "")]),
        ("a=1,a=2", &[("a", "2")]),
        ("a=x=y", &[("a", "x=y")]),
        ("a=x;y", &[("a", "x;y")]),
        ("a=%20one%2C%20two%3d3%25%20", &[("a", " one, two=3% ")]),
        ("a%2cb%3D=1", &[("a,b=", "1")]),
        ("stra%C3%9Fe=%E2%82%AC%20+1", &[("straße", "€ +1")]),
        ("straße=€ 1", &[("straße", "€ 1")]),
    ];
    for (list, expected) in rows {
        assert_eq!(read(list), pairs(expected), "{list:?}");
    }
}

#[test]
fn a_list_with_one_bad_attribute_is_ignored_as_a_whole_and_warned_of() {
    let rows = [
        ("a=1,secret", "attribute 2 has no equals sign"),
        ("=secret", "attribute 1 has no key"),
        ("a=1, =secret", "attribute 2 has no key"),
        ("a=1,b=secret%", "attribute 2 has a percent sign"),
        ("a=secret%2", "attribute 1 has a percent sign"),
        ("a=secret%%20", "attribute 1 has a percent sign"),
        ("a=secret%2€", "attribute 1 has a percent sign"),
        ("secret%zz=1", "attribute 1 has a percent sign"),
        ("a=secret%FF", "attribute 1 has percent-encoded bytes that are not UTF-8"),
    ];
    for (list, problem) in rows {
        let resource = only(&[(ATTRIBUTES, list), (SERVICE_NAME, "till")]).attribute("c", 3).build().unwrap();
        let expected = [KeyValue::new("c", 3), KeyValue::new("service.name", "till")];
        assert_eq!(resource.attributes(), expected, "{list:?}");
        let [warning] = resource.warnings() else { panic!("{list:?}: {:?}", resource.warnings()) };
        assert_eq!(warning.variable, ATTRIBUTES);
        assert!(warning.problem.starts_with(problem), "{list:?}: {warning}");
        assert!(warning.to_string().contains("write key1=value1,key2=value2"), "{warning}");
        assert!(!format!("{resource:?} {warning}").contains("secret"), "{resource:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_encoded_comes_back(attributes in vec(("\\PC+", any::<String>()), 0..8), all in any::<bool>()) {
        let plain = |byte: u8| !all && byte.is_ascii_graphic() && !b"\",;=\\%".contains(&byte);
        let encode = |text: &str| -> String {
            let byte = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            text.bytes().map(byte).collect()
        };
        let list: Vec<_> =
            attributes.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        let expected: HashMap<_, _> = attributes.into_iter().collect();
        let read = read(&list.join(","));
        prop_assert_eq!(read.len(), expected.len());
        prop_assert_eq!(read.into_iter().collect::<HashMap<_, _>>(), expected);
    }

    #[test]
    fn no_list_is_half_taken(list in "[a-c=,% ]{0,12}") {
        let resource = only(&[(ATTRIBUTES, &list)]).build().unwrap();
        let members = list.split(',').filter(|member| !member.trim().is_empty());
        let keys: std::collections::HashSet<_> =
            members.map(|member| member.split('=').next().unwrap().trim()).collect();
        match resource.warnings().len() {
            // What can be encoded here is not ASCII, so no key has two forms.
            0 => prop_assert_eq!(resource.attributes().len(), keys.len()),
            warnings => prop_assert_eq!((warnings, resource.attributes().len()), (1, 0)),
        }
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let resource = only(&[(SERVICE_NAME, ""), (ATTRIBUTES, "")]).build().unwrap();
    assert_eq!(resource, Resource::empty());
    assert_eq!(resource.warnings(), []);
}

#[test]
fn an_environment_shows_no_values() {
    let environment = Environment::from_variables([("TOKEN", "hunter2")]);
    let shown = format!("{environment:?} {:?}", Resource::builder().environment(environment.clone()));
    assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
}

/// Says in a child process of the tests that it is one.
const CHILD: &str = "FREEWHEEL_TEST_CHILD";

/// Whether this process is the child of `test`; if not, runs that in one with these variables.
#[cfg(unix)]
fn is_child(test: &str, name: &std::ffi::OsStr, list: &str) -> bool {
    if env::var_os(CHILD).is_some() {
        return true;
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", test]).env(CHILD, "1").env(SERVICE_NAME, name).env(ATTRIBUTES, list);
    let output = child.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
    false
}

#[test]
#[cfg(unix)]
fn the_variables_of_the_process_are_read_by_default() {
    if is_child("the_variables_of_the_process_are_read_by_default", "till".as_ref(), "shop=7") {
        let resource = Resource::default();
        assert_eq!(text(&resource, "service.name"), "till");
        assert_eq!(text(&resource, "shop"), "7");
        assert_eq!(resource.attributes().len(), 6);
        assert_eq!(resource, Resource::builder().environment(Environment::process()).build().unwrap());
        let elsewhere = Resource::builder().environment(Environment::none()).build().unwrap();
        assert_eq!(elsewhere.get("shop"), None);
    }
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_no_unicode_is_warned_of() {
    use std::os::unix::ffi::OsStrExt;

    let name = std::ffi::OsStr::from_bytes(b"till\xff");
    if is_child("a_variable_that_is_no_unicode_is_warned_of", name, "shop=7") {
        let resource = Resource::default();
        assert!(text(&resource, "service.name").starts_with("unknown_service:"));
        assert_eq!(text(&resource, "shop"), "7");
        let [warning] = resource.warnings() else { panic!("{:?}", resource.warnings()) };
        assert_eq!(
            warning.to_string(),
            "OTEL_SERVICE_NAME is ignored: it is not valid Unicode; write it in UTF-8"
        );
    }
}

#[test]
fn the_process_is_this_one() {
    let resource = detected(ResourceBuilder::detect_process);
    assert_eq!(resource.get("process.pid"), Some(&process::id().into()));
    let executable = env::current_exe().unwrap();
    assert_eq!(text(&resource, "process.executable.path"), executable.to_str().unwrap());
    let name = executable.file_name().unwrap().to_str().unwrap();
    assert_eq!(text(&resource, "process.executable.name"), name);
    assert_eq!(resource.get("process.command_args"), None, "arguments may be secret");
}

/// What a command prints, without the end of the line.
#[cfg(target_os = "linux")]
fn printed(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn the_owner_of_the_process_is_named() {
    assert_eq!(text(&detected(ResourceBuilder::detect_process), "process.owner"), printed("id", &["-un"]));
}

#[test]
#[cfg(all(target_os = "linux", feature = "process"))]
fn the_process_began_when_ps_says() {
    let began = text(&detected(ResourceBuilder::detect_process), "process.creation.time");
    let parsed: u64 = printed("date", &["-d", &began, "+%s"]).parse().unwrap();
    let age: u64 =
        printed("ps", &["-o", "etimes=", "-p", &process::id().to_string()]).trim().parse().unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!((now - age).abs_diff(parsed) <= 2, "{began} is {age} seconds before {now}");
}

#[test]
fn arguments_are_only_given_when_asked_for() {
    let resource = detected(ResourceBuilder::detect_command_args);
    let arguments: Vec<String> = serde_json::from_str(&text(&resource, "process.command_args")).unwrap();
    assert_eq!(arguments, env::args().collect::<Vec<_>>());
}

#[test]
#[cfg(target_os = "linux")]
fn the_host_is_this_one() {
    let resource = detected(ResourceBuilder::detect_host);
    let contents = |path| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    assert_eq!(text(&resource, "host.name"), contents("/proc/sys/kernel/hostname"));
    let arch = text(&resource, "host.arch");
    match printed("uname", &["-m"]).as_str() {
        "x86_64" => assert!(arch == "amd64" || arch == "x86", "{arch}"),
        "aarch64" => assert!(arch == "arm64" || arch == "arm32", "{arch}"),
        machine => assert!(!arch.is_empty(), "{machine}"),
    }
    let id = contents("/etc/machine-id");
    match resource.get("host.id") {
        Some(found) => assert_eq!(found.to_string().len(), 32),
        None => assert_ne!(id.len(), 32),
    }
    if id.len() == 32 {
        assert_eq!(text(&resource, "host.id"), id);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_operating_system_is_this_one() {
    let resource = detected(ResourceBuilder::detect_os);
    assert_eq!(text(&resource, "os.type"), "linux");
    if !fs::exists("/etc/os-release").unwrap() {
        return;
    }
    let fields = [
        ("os.name", "NAME"),
        ("os.version", "VERSION_ID"),
        ("os.description", "PRETTY_NAME"),
        ("os.build_id", "BUILD_ID"),
    ];
    for (key, field) in fields {
        // What a shell makes of the file is what it means.
        let script = format!(". /etc/os-release; printf %s \"${field}\"");
        let expected = Command::new("sh").args(["-c", &script]).env_remove(field).output().unwrap();
        let expected = String::from_utf8(expected.stdout).unwrap();
        let found = resource.get(key).map(ToString::to_string).unwrap_or_default();
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn all_detectors_together_find_what_each_finds() {
    let all = detected(ResourceBuilder::detect_all);
    let one_by_one = detected(|builder| builder.detect_process().detect_host().detect_os());
    assert_eq!(all, one_by_one);
    assert!(
        all.get("os.type").is_some() && all.get("host.arch").is_some() && all.get("process.pid").is_some()
    );
}

#[cfg(feature = "otlp-sdk")]
mod sdk {
    use super::*;
    use opentelemetry::{Array, KeyValue as SdkKeyValue, StringValue, Value as SdkValue};
    use opentelemetry_sdk::Resource as SdkResource;

    #[test]
    fn resources_go_to_the_sdk_and_back() {
        let resource = only(&[])
            .attributes([KeyValue::new("bool", true), KeyValue::new("int", -7), KeyValue::new("float", 0.5)])
            .attribute("text", "straße")
            .schema_url("https://example.com/schemas/1.2.0")
            .build()
            .unwrap();
        let sdk = SdkResource::from(&resource);
        assert_eq!(sdk.len(), 4);
        assert_eq!(sdk.get(&"int".into()), Some(SdkValue::I64(-7)));
        assert_eq!(sdk.schema_url(), resource.schema_url());
        assert_eq!(Resource::from(&sdk), resource);
        let bare = only(&[]).attribute("a", 1).build().unwrap();
        assert_eq!(SdkResource::from(&bare).schema_url(), None);
        assert_eq!(Resource::from(&SdkResource::from(&bare)), bare);
    }

    #[test]
    fn arrays_of_the_sdk_become_json() {
        let texts = ["plain", "with \"quotes\", \\ and \n"];
        let arrays = [
            ("bools", Array::Bool(vec![true, false])),
            ("ints", Array::I64(vec![1, i64::MIN])),
            ("floats", Array::F64(vec![0.5, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])),
            ("texts", Array::String(texts.map(StringValue::from).to_vec())),
            ("none", Array::I64(vec![])),
        ];
        let attributes = arrays.map(|(key, array)| SdkKeyValue::new(key, SdkValue::Array(array)));
        let resource = Resource::from(&SdkResource::builder_empty().with_attributes(attributes).build());
        let json = |key| serde_json::from_str::<serde_json::Value>(&text(&resource, key)).unwrap();
        assert_eq!(json("bools"), serde_json::json!([true, false]));
        assert_eq!(json("ints"), serde_json::json!([1, i64::MIN]));
        assert_eq!(json("floats")[0], 0.5);
        assert_eq!(json("floats")[1].as_f64(), Some(1e300));
        assert_eq!(json("floats").as_array().unwrap()[2..], ["NaN", "Infinity", "-Infinity"]);
        assert_eq!(json("texts"), serde_json::json!(texts));
        assert_eq!(json("none"), serde_json::json!([]));
    }

    #[test]
    fn an_empty_key_of_the_sdk_is_left_out() {
        let attributes = [SdkKeyValue::new("", 1), SdkKeyValue::new("a", 1)];
        let resource = Resource::from(&SdkResource::builder_empty().with_attributes(attributes).build());
        assert_eq!(resource.attributes(), [KeyValue::new("a", 1)]);
    }
}
