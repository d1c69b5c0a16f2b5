//! `next-major`: a component of contract 2, which this host does not support.

wit_bindgen::generate!({
    inline: "
        package triggerhouse:provider@2.0.0;
        interface describe { info: func() -> string; }
        world webhook-provider { export describe; }
    ",
});

struct Next;

impl exports::triggerhouse::provider::describe::Guest for Next {
    fn info() -> String {
        "next".into()
    }
}

export!(Next);
