//! A Rust source file as tokens, without comments, literals and tests.

/// The names and marks of a file, in their order.
pub(super) fn tokens(source: &str) -> Vec<String> {
    without_tests(scan(source))
}

fn scan(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if is_name(first) {
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of the text, byte or character literal that `rest` begins with. A lifetime
/// counts as one.
fn literal(rest: &str) -> Option<usize> {
    let text = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - text.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inside = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
        return Some(prefix + 1 + hashes + 1 + length);
    }
    if let Some(inside) = text.strip_prefix('"') {
        return Some(prefix + 1 + quoted(inside, '"'));
    }
    let inside = text.strip_prefix('\'')?;
    let mut characters = inside.chars();
    let (first, second) = (characters.next()?, characters.next());
    if first != '\\' && second != Some('\'') {
        // A lifetime: `'a`.
        let name = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
        return Some(prefix + 1 + name);
    }
    Some(prefix + 1 + quoted(inside, '\''))
}

/// The length of a literal's inside, with the mark that ends it.
fn quoted(inside: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == end => return at + character.len_utf8(),
            _ => {}
        }
    }
    inside.len()
}

/// Leaves out every item below `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().take(TEST.len()).eq(TEST.iter()) {
            at += TEST.len();
            at += item_length(&tokens[at..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// The number of tokens of the item that `tokens` begin with.
fn item_length(tokens: &[String]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth -= 1;
                if depth == 0 && token == "}" {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn comments_literals_and_tests_are_no_code() {
    let source = r##"
        use a::b; // use c::d;
        const X: &str = "use e::f"; /* use g */
        fn x<'a>(y: &'a str) -> char { let _ = r#"h::"i"#; '"' }
        #[cfg(test)]
        #[allow(x)]
        mod tests { use j::k; }
        struct Z;
    "##;
    let code = tokens(source).join(" ");
    assert_eq!(
        code,
        "use a :: b ; const X : & str = ; fn x < > ( y : & str ) - > char { let _ = ; } struct Z ;"
    );
}
