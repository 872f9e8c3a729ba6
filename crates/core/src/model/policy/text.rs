//! Text with holes: what is known is written down, and what a template's user fills in is a reference in the template's
//! own language.

use std::convert::Infallible;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Text of literals and references, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<R>(pub Vec<TextPart<R>>);

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPart<R> {
    /// Text that is printed unchanged.
    Literal(String),
    /// Filled in by whoever uses the document.
    Reference(R),
}

/// References of one language, and how a text with them is written in it.
pub trait TemplateReference: Sized {
    /// The text as the language has it. Literals mean themselves, whatever they hold.
    fn render(text: &Text<Self>) -> Value;
}

/// Plain JSON has no references.
impl TemplateReference for Infallible {
    fn render(text: &Text<Self>) -> Value {
        let literal = |part: &TextPart<Self>| match part {
            TextPart::Literal(literal) => literal.clone(),
            TextPart::Reference(never) => match *never {},
        };
        Value::String(text.0.iter().map(literal).collect())
    }
}

impl<R> Text<R> {
    /// Nothing but a reference.
    pub fn reference(reference: R) -> Self {
        Self(vec![TextPart::Reference(reference)])
    }

    /// The text with `more` behind it.
    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }
}

impl<R> From<&str> for Text<R> {
    fn from(literal: &str) -> Self {
        Self(vec![TextPart::Literal(literal.to_owned())])
    }
}

impl<R> From<String> for Text<R> {
    fn from(literal: String) -> Self {
        Self(vec![TextPart::Literal(literal)])
    }
}

impl<R: Clone> From<&Self> for Text<R> {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl<R: TemplateReference> Serialize for Text<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        R::render(self).serialize(serializer)
    }
}
