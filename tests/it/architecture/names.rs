//! The names that a source file takes from elsewhere, read with a parser: paths, grouped imports, macros' arguments and the
//! texts of attributes. What only tests compile is left out.

use std::{collections::BTreeSet, ops::RangeInclusive};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::{
    Attribute, Item, Meta, Path, UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

/// What was read of one file.
#[derive(Debug, Default)]
pub struct SourceNames {
    /// Every path from the crate's root (`crate::model::Reason`) or from another crate (`kube::Client`), with its line.
    pub paths: BTreeSet<(usize, String)>,
    /// The modules that stand in files of their own: where they lie in the module tree.
    pub modules: Vec<Vec<String>>,
    /// The lines that only tests compile.
    tests: Vec<RangeInclusive<usize>>,
    module: Vec<String>,
}

impl SourceNames {
    /// Reads the file of a module, which is named from the crate's root on.
    pub fn read(module: &[String], text: &str) -> Self {
        let mut names = Self { module: module.to_vec(), ..Self::default() };
        let file = syn::parse_file(text).expect("the sources compile");
        names.visit_file(&file);
        names
    }

    /// The lines of a file's text that are code of the product: neither comments nor tests.
    pub fn lines_of_code(&self, text: &str) -> usize {
        let tested = |line: usize| self.tests.iter().any(|range| range.contains(&line));
        let lines = text.lines().enumerate().filter(|(at, _)| !tested(at + 1));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//")).count()
    }

    fn note(&mut self, line: usize, segments: &[String]) {
        let mut from_root = self.module.clone();
        let mut rest = segments;
        match rest.first().map(String::as_str) {
            Some("crate" | "awscost") => {
                from_root.clear();
                rest = &rest[1..];
            }
            // A crate of the workspace is a part of this one: it is a layer, or its modules are.
            Some(name) if name.starts_with("awscost_") => {
                from_root = one_layer(&name["awscost_".len()..]).map(str::to_owned).into_iter().collect();
                rest = &rest[1..];
            }
            Some("self" | "super") => {
                while let Some(step @ ("self" | "super")) = rest.first().map(String::as_str) {
                    if step == "super" {
                        from_root.pop();
                    }
                    rest = &rest[1..];
                }
            }
            _ => {
                self.paths.insert((line, segments.join("::")));
                return;
            }
        }
        let path = from_root.iter().chain(rest).map(String::as_str);
        let path = std::iter::once("crate").chain(path).collect::<Vec<_>>().join("::");
        self.paths.insert((line, path));
    }

    fn imports(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => self.imports(&with(&path.ident), &path.tree),
            UseTree::Name(name) => self.note(line, &with(&name.ident)),
            UseTree::Rename(name) => self.note(line, &with(&name.ident)),
            UseTree::Glob(_) => self.note(line, &[before, &["*".to_owned()]].concat()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.imports(before, tree)),
        }
    }

    /// The paths in what a macro is given or makes, which no parser can tell from other tokens.
    fn tokens(&mut self, before: &[String], tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut joined) = (1, false);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    joined |= punct.spacing() == Spacing::Joint;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if !joined {
                        self.end_of_path(line, &mut path);
                        path = before.to_vec();
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    let imported = joined && group.delimiter() == Delimiter::Brace;
                    let before = if imported { std::mem::take(&mut path) } else { Vec::new() };
                    self.end_of_path(line, &mut path);
                    self.tokens(&before, group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.end_of_path(line, &mut path),
            }
            joined = false;
        }
        self.end_of_path(line, &mut path);
    }

    fn end_of_path(&mut self, line: usize, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.note(line, path);
        }
        path.clear();
    }

    /// True if only tests compile what has these attributes; then its lines are remembered as theirs.
    fn leaves_out(&mut self, attributes: &[Attribute], whole: &impl Spanned) -> bool {
        let tested = attributes.iter().any(is_for_tests);
        if tested {
            let span = whole.span();
            self.tests.push(span.start().line..=span.end().line);
        }
        tested
    }
}

/// The layer that a whole crate is, where it is not one of several.
pub fn one_layer(folder: &str) -> Option<&str> {
    ["aws", "network"].contains(&folder).then_some(folder)
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string() == "test"
}

impl<'ast> Visit<'ast> for SourceNames {
    fn visit_item(&mut self, item: &'ast Item) {
        if !self.leaves_out(attributes(item), item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let syn::ImplItem::Fn(function) = item else { return visit::visit_impl_item(self, item) };
        if !self.leaves_out(&function.attrs, item) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.module.push(module.ident.to_string());
        match &module.content {
            Some(_) => visit::visit_item_mod(self, module),
            None => self.modules.push(self.module.clone()),
        }
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.imports(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.len() > 1 {
            let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.note(path.span().start().line, &segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(&[], call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        self.tokens(&[], list.tokens.clone());
        // serde and clap take paths as texts, too.
        for token in list.tokens.clone() {
            let TokenTree::Literal(literal) = token else { continue };
            let text = literal.to_string();
            let Ok(path) = syn::parse_str::<Path>(text.trim_matches('"')) else { continue };
            self.visit_path(&path);
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
