//! The attribute `#[facts]`, which `triggerhouse-sdk` re-exports and documents.
//!
//! It rewrites tokens and parses no types: a parser such as `syn` would take longer to
//! compile than the rest of a provider's build.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// The attributes of every section of facts. Fields may lack documentation, because most
/// names say enough.
const SECTION: &str = r#"
    #[derive(
        Clone, Debug, Default, PartialEq,
        ::triggerhouse_sdk::serde::Serialize, ::triggerhouse_sdk::serde::Deserialize,
    )]
    #[serde(crate = "::triggerhouse_sdk::serde")]
    #[allow(missing_docs)]
"#;
/// The attribute of every field. A default of the whole section would compile to more code.
const FIELD: &str =
    r#"#[serde(default, skip_serializing_if = "::triggerhouse_sdk::Field::is_absent")]"#;
/// The result for anything but a struct with named fields.
const ERROR: &str = r##"compile_error!("#[facts] expects a struct with named fields");"##;

/// Makes a struct a section of a provider's facts: see `triggerhouse_sdk::facts`.
#[proc_macro_attribute]
pub fn facts(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut item: Vec<TokenTree> = item.into_iter().collect();
    let is_struct = item.iter().any(|token| token.to_string() == "struct");
    match item.pop() {
        Some(TokenTree::Group(body)) if is_struct && body.delimiter() == Delimiter::Brace => {
            let mut body_of_section = Group::new(Delimiter::Brace, fields(body.stream()));
            body_of_section.set_span(body.span());
            let mut section = parsed(SECTION);
            section.extend(item);
            section.extend([TokenTree::Group(body_of_section)]);
            section
        }
        _ => parsed(ERROR),
    }
}

/// Puts [`FIELD`] before each field. Fields end at a comma outside of `<…>`.
fn fields(body: TokenStream) -> TokenStream {
    let mut output = TokenStream::new();
    let mut depth = 0_usize;
    let mut starts_field = true;
    for token in body {
        if starts_field {
            output.extend(parsed(FIELD));
            starts_field = false;
        }
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                ',' => starts_field = depth == 0,
                _ => {}
            }
        }
        output.extend([token]);
    }
    output
}

fn parsed(tokens: &str) -> TokenStream {
    // The three texts above are tokens, or no use of the attribute would compile.
    tokens.parse().unwrap_or_default()
}
