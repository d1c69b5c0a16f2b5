//! Bindings generated from `wit/v1`, each interface once.
//!
//! A component's world is the union of the worlds of its parts. Each module below carries
//! the type of one interface, and `register!` links the ones that the provider
//! implements. So the contract's three worlds share one set of types, and a provider that
//! changes its world changes no code.
#![allow(missing_docs, unsafe_code, clippy::all)]

/// The types, and the functions that a guest can call.
pub mod imports {
    wit_bindgen::generate!({
        path: "../wit/v1",
        inline: "package triggerhouse:sdk; world imports {
            import triggerhouse:provider/types@1.0.0;
            import triggerhouse:provider/description@1.0.0;
            import triggerhouse:provider/log@1.0.0;
            import triggerhouse:provider/http@1.0.0;
        }",
        world: "triggerhouse:sdk/imports",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq, Clone],
    });
}

/// Exports `describe`.
pub mod describe {
    wit_bindgen::generate!({
        path: "../wit/v1",
        inline: "package triggerhouse:sdk; world describe { export triggerhouse:provider/describe@1.0.0; }",
        world: "triggerhouse:sdk/describe",
        with: {
            "triggerhouse:provider/description@1.0.0": crate::bindings::imports::triggerhouse::provider::description,
        },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_describe",
        default_bindings_module: "triggerhouse_sdk::bindings::describe",
    });
}

/// Exports `filter`.
pub mod filter {
    wit_bindgen::generate!({
        path: "../wit/v1",
        inline: "package triggerhouse:sdk; world filter { export triggerhouse:provider/filter@1.0.0; }",
        world: "triggerhouse:sdk/filter",
        with: {
            "triggerhouse:provider/types@1.0.0": crate::bindings::imports::triggerhouse::provider::types,
        },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_filter",
        default_bindings_module: "triggerhouse_sdk::bindings::filter",
    });
}

/// Exports `webhook`.
pub mod webhook {
    wit_bindgen::generate!({
        path: "../wit/v1",
        inline: "package triggerhouse:sdk; world webhook { export triggerhouse:provider/webhook@1.0.0; }",
        world: "triggerhouse:sdk/webhook",
        with: {
            "triggerhouse:provider/types@1.0.0": crate::bindings::imports::triggerhouse::provider::types,
        },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_webhook",
        default_bindings_module: "triggerhouse_sdk::bindings::webhook",
    });
}

/// Exports `polling`.
pub mod polling {
    wit_bindgen::generate!({
        path: "../wit/v1",
        inline: "package triggerhouse:sdk; world polling { export triggerhouse:provider/polling@1.0.0; }",
        world: "triggerhouse:sdk/polling",
        with: {
            "triggerhouse:provider/types@1.0.0": crate::bindings::imports::triggerhouse::provider::types,
        },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_polling",
        default_bindings_module: "triggerhouse_sdk::bindings::polling",
    });
}
