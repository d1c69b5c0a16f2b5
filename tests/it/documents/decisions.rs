//! Each decision fits on a card: problem, choice and consequence in at most 80 words.

use super::{read, root};

/// Words of one decision, its table left out.
const WORDS_MAX: usize = 80;

#[test]
fn each_decision_has_problem_choice_and_consequence_in_eighty_words() {
    for entry in std::fs::read_dir(root().join("docs/decisions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = read(&format!("docs/decisions/{name}"));
        assert!(
            read("docs/ARCHITECTURE.md").contains(&name),
            "{name} is not listed"
        );
        for decision in text.split("\n## ").skip(1) {
            let (title, body) = decision.split_once('\n').unwrap();
            let prose = body.lines().filter(|line| !line.starts_with('|'));
            let words: usize = prose.map(|line| line.split_whitespace().count()).sum();
            assert!(words <= WORDS_MAX, "{name}, {title}: {words} words");
            let parts = ["**Problem.**", "**Choice.**", "**Consequence.**"].map(|part| {
                let at = body.find(part);
                at.unwrap_or_else(|| panic!("{name}, {title} has no {part}"))
            });
            assert!(parts.is_sorted(), "{name}, {title}");
        }
    }
}
