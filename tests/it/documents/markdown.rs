//! The parts of a Markdown document that the tests check.
//!
//! Owns: fenced blocks, code spans, links and headings of the plain Markdown that this
//! project writes.
//! Never does: rendering, or any judgement about the contents.

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of its first line, counted from 1.
    pub line: usize,
    /// The word after the opening fence.
    pub language: String,
    /// The lines between the fences.
    pub lines: Vec<String>,
}

/// A document, split into its blocks and the lines around them.
#[derive(Debug, Default)]
pub struct Document {
    /// Fenced blocks, in order.
    pub blocks: Vec<Block>,
    /// Lines outside of fenced blocks, with their numbers.
    pub prose: Vec<(usize, String)>,
}

impl Document {
    pub fn parse(text: &str) -> Self {
        let mut document = Self::default();
        let mut open: Option<Block> = None;
        for (line, number) in text.lines().zip(1..) {
            match (line.strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    open = Some(Block {
                        line: number + 1,
                        language: language.to_owned(),
                        lines: Vec::new(),
                    });
                }
                (Some(_), Some(_)) => document.blocks.extend(open.take()),
                (None, Some(block)) => block.lines.push(line.to_owned()),
                (None, None) => document.prose.push((number, line.to_owned())),
            }
        }
        assert!(open.is_none(), "a block is not closed: {open:?}");
        document
    }

    /// Code spans outside of blocks, with the numbers of their lines.
    pub fn spans(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose.iter().flat_map(|(number, line)| {
            let odd = line.split('`').skip(1).step_by(2);
            odd.map(move |span| (*number, span))
        })
    }

    /// Targets of links outside of blocks, with the numbers of their lines.
    pub fn links(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose.iter().flat_map(|(number, line)| {
            let rest = line.split("](").skip(1);
            rest.filter_map(move |rest| Some((*number, rest.split_once(')')?.0)))
        })
    }

    /// The anchors that links can name, as GitHub derives them from headings.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose.iter().filter_map(|(_, line)| {
            let text = line.trim_start_matches('#');
            (text.len() < line.len()).then(|| text.trim().to_lowercase())
        });
        headings
            .map(|heading| {
                let kept = heading
                    .chars()
                    .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                kept.map(|c| if c == ' ' { '-' } else { c }).collect()
            })
            .collect()
    }
}

#[test]
fn a_document_is_split_into_blocks_spans_links_and_anchors() {
    let text = "# A `b` title\n\nSee [c](d.md#e) and `f g`.\n\n```console\n$ h `i`\nj\n```\n";
    let document = Document::parse(text);
    assert_eq!(document.spans().collect::<Vec<_>>(), [(1, "b"), (3, "f g")]);
    assert_eq!(document.links().collect::<Vec<_>>(), [(3, "d.md#e")]);
    assert_eq!(document.anchors(), ["a-b-title"]);
    let block = Block {
        line: 6,
        language: "console".into(),
        lines: vec!["$ h `i`".into(), "j".into()],
    };
    assert_eq!(document.blocks, [block]);
}
