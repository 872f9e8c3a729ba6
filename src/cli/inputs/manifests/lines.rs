//! The line of each field of a YAML stream, so that a fault can point at it.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

/// The lines of one document's fields, by path (`spec.report.bucket.name`, `items[0].kind`), counted from 1.
pub type Lines = BTreeMap<String, u64>;

/// The lines of a document's fields.
pub(super) fn of(document: &Spanned<Node>) -> Lines {
    let mut lines = Lines::new();
    note_lines("", document, &mut lines);
    lines
}

fn note_lines(path: &str, node: &Spanned<Node>, lines: &mut Lines) {
    match &node.value {
        Node::Map(members) => {
            for (name, member) in members {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                lines.insert(below.clone(), member.referenced.line());
                note_lines(&below, member, lines);
            }
        }
        Node::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let below = format!("{path}[{index}]");
                lines.insert(below.clone(), item.referenced.line());
                note_lines(&below, item, lines);
            }
        }
        Node::Leaf => {}
    }
}

/// The shape of a document, without its values: it may be a Secret.
#[derive(Debug)]
pub(super) enum Node {
    Map(Vec<(String, Spanned<Self>)>),
    List(Vec<Spanned<Self>>),
    Leaf,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape)
    }
}

struct Shape;

/// Leaves of every type are one.
macro_rules! leaves {
    ($($visit:ident: $type:ty,)*) => {
        $(fn $visit<E>(self, _: $type) -> Result<Node, E> { Ok(Node::Leaf) })*
    };
}

impl<'de> Visitor<'de> for Shape {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    leaves! {
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_f64: f64,
        visit_str: &str,
        visit_bytes: &[u8],
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            members.push(entry);
        }
        Ok(Node::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scalar_has_its_own_line() {
        let text = "kind: A\nspec:\n  report:\n    name: acme\n    list: [a, b]\n---\n# words\nkind: B\n";
        let documents: Vec<Spanned<Node>> = serde_saphyr::from_multiple(text).expect("YAML");
        let found: Vec<Lines> = documents.iter().map(of).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("spec.report.name"), Some(&4));
        assert_eq!(found[0].get("spec.report.list[1]"), Some(&5));
        assert_eq!(found[1].get("kind"), Some(&8));
    }
}
