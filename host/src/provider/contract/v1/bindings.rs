//! Generated from `wit/v1`: one world with all interfaces, so that each type exists once. No
//! component exports all of it, so none is ever instantiated through this world.

#![allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "generated"
)]

wasmtime::component::bindgen!({
    path: "../wit/v1",
    inline: "package triggerhouse:host; world all { include triggerhouse:provider/webhook-and-polling-provider@1.0.0; }",
    world: "triggerhouse:host/all",
    imports: { default: async | trappable, "triggerhouse:provider/log@1.0.0": trappable },
    exports: { default: async },
});
