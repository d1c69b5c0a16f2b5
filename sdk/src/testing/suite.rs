//! The macros that declare what the tests of webhook providers have in common.

/// Declares the helpers of a webhook provider's tests, beside their modules:
///
/// ```ignore
/// testing::suite!(GitHub, Facts, fixtures: "../../tests/fixtures/github");
/// ```
///
/// `fixture(file)` and `collection(file)` read a fixture, `only_event(request)` parses a
/// delivery, `malformed(request)` returns its error, `facts(&event)` reads an event's
/// facts. `accepts`, `rejects`, `invalid`, `verdict` and `reason` judge an event. One test
/// checks that the configuration's schema describes each field.
#[macro_export]
macro_rules! suite {
    ($provider:ty, $facts:ty, fixtures: $folder:literal) => {
        /// Payloads by family.
        #[allow(dead_code)]
        type Collection = ::std::collections::BTreeMap<String, Vec<::serde_json::Value>>;

        #[allow(dead_code)]
        fn fixture(file: &str) -> String {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder);
            ::std::fs::read_to_string(format!("{folder}/{file}")).unwrap()
        }

        #[allow(dead_code)]
        fn collection(file: &str) -> Collection {
            ::serde_json::from_str(&fixture(file)).unwrap()
        }

        #[allow(dead_code)]
        #[track_caller]
        fn only_event(
            request: $crate::contract::types::WebhookRequest,
        ) -> $crate::contract::types::Event {
            $crate::testing::only_event::<$provider>(request)
        }

        #[allow(dead_code)]
        #[track_caller]
        fn malformed(request: $crate::contract::types::WebhookRequest) -> String {
            $crate::testing::malformed::<$provider>(request)
        }

        #[allow(dead_code)]
        fn facts(event: &$crate::contract::types::Event) -> $facts {
            ::serde_json::from_str(&event.facts).unwrap()
        }

        #[allow(dead_code)]
        #[track_caller]
        fn accepts(event: &$crate::contract::types::Event, config: ::serde_json::Value) {
            $crate::testing::assert_accepts::<$provider>(event, &config);
        }

        #[allow(dead_code)]
        #[track_caller]
        fn rejects(
            event: &$crate::contract::types::Event,
            config: ::serde_json::Value,
            field: &str,
        ) {
            $crate::testing::assert_rejects::<$provider>(event, &config, field);
        }

        #[allow(dead_code)]
        #[track_caller]
        fn invalid(
            event: &$crate::contract::types::Event,
            config: ::serde_json::Value,
            field: &str,
        ) {
            $crate::testing::assert_invalid::<$provider>(event, &config, field);
        }

        #[allow(dead_code)]
        fn verdict(
            event: &$crate::contract::types::Event,
            config: ::serde_json::Value,
        ) -> $crate::contract::types::Verdict {
            $crate::testing::verdict::<$provider>(event, &config)
        }

        #[allow(dead_code)]
        #[track_caller]
        fn reason(event: &$crate::contract::types::Event, config: ::serde_json::Value) -> String {
            $crate::testing::reason::<$provider>(event, &config)
        }

        #[test]
        fn the_schema_refuses_unknown_fields_and_describes_the_others() {
            $crate::testing::assert_schema_explains::<$provider>();
        }
    };
}

/// Declares two tests of a webhook provider over broken deliveries: it answers every one
/// of 10,000 deliveries broken at random, and a body that is cut off is malformed.
///
/// `deliveries` and `configs` are the inputs of [`probe`](crate::testing::probe). `check`
/// gets each event with the body it came from, and asserts that no filter matches a value
/// that the body does not have. A fuzzer runs the same test for longer.
#[macro_export]
macro_rules! mutations {
    ($provider:ty, $deliveries:expr, $configs:expr, $check:expr) => {
        #[test]
        fn a_broken_delivery_never_panics() {
            let (deliveries, configs) = ($deliveries, $configs);
            bolero::check!()
                .with_iterations(10_000)
                .for_each(|bytes: &[u8]| {
                    let probed = $crate::testing::probe::<$provider>(&deliveries, &configs, bytes);
                    for event in probed.result.iter().flatten() {
                        let broken = ::serde_json::from_slice(&probed.request.body).unwrap();
                        $check(event, &broken);
                    }
                });
        }

        #[test]
        fn a_body_that_is_cut_off_is_malformed() {
            $crate::testing::assert_cut_bodies_are_malformed::<$provider>(&$deliveries[0]);
        }
    };
}

/// Declares snapshot tests: one for each row, which names it and gives the arguments of
/// `shown`, and one for the configuration's schema.
///
/// ```ignore
/// testing::snapshots! { GitHub, shown;
///     check_run: "check_run", "completed";
///     ping: "ping", "";
/// }
/// ```
#[macro_export]
macro_rules! snapshots {
    ($provider:ty, $shown:expr; $($name:ident: $($argument:expr),+;)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_json_snapshot!($shown($($argument),+));
            }
        )*

        #[test]
        fn the_configurations_schema() {
            let schema = $crate::provider_info::<$provider>().config_schema;
            let schema: ::serde_json::Value = ::serde_json::from_str(&schema).unwrap();
            insta::assert_json_snapshot!(schema);
        }
    };
}
