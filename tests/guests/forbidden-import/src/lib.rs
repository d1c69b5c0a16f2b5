//! `forbidden-import`: imports an interface with the host's secrets, which does not exist.

wit_bindgen::generate!({
    inline: "
        package acme:wishes@1.0.0;
        interface secrets { read: func(name: string) -> string; }
        world wishful { import secrets; export greet: func() -> string; }
    ",
});

struct Wishful;

impl Guest for Wishful {
    fn greet() -> String {
        acme::wishes::secrets::read("master-key")
    }
}

export!(Wishful);
