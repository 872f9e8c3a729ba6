//! Faults of which nobody tells the operator: it finds them, and their cure, when the facts behind them come of age.

use std::time::Duration;

use futures::{StreamExt, stream};

use super::{
    catalogue::{Catalogue, Row},
    ground::{Ground, Manner},
    row,
};

/// How old facts grow here, of whatever kind: an hour to a day, made short.
const AGE: Duration = Duration::from_secs(20);
/// An age is spread by a fifth, and what is found then is written as soon as when somebody asks.
const WITHIN: Duration = Duration::from_secs(20 + 4 + 5);

/// Shows all rows at once, on a ground of its own: the score, and what was never found.
pub async fn prove(catalogue: &Catalogue, rows: &[&Row]) -> (String, Vec<String>) {
    let kinds = rows.iter().map(|row| row.of.as_str());
    let manner = Manner { fact_age: Some(AGE), ..Manner::default() };
    let ground = Ground::raise_with(catalogue, "unasked", 3, kinds, manner).await;
    let late: Vec<(usize, String)> = stream::iter(rows.iter().enumerate())
        .map(|(number, row)| {
            let ground = &ground;
            async move { (number, row::show_unasked(ground, row, number, WITHIN).await) }
        })
        .buffer_unordered(rows.len().max(1))
        .filter_map(|(number, shown)| std::future::ready(shown.err().map(|problem| (number, problem))))
        .collect()
        .await;
    // All looks come of age at once, which no cluster has: what was late beside others is shown once more, alone.
    let mut missed = Vec::new();
    for (number, _) in &late {
        if let Err(problem) = row::show_unasked(&ground, rows[*number], *number, WITHIN).await {
            missed.push(format!("{}: {problem}", rows[*number].fault));
        }
    }
    let again: Vec<String> =
        late.iter().map(|(number, problem)| format!("{}: {problem}", rows[*number].fault)).collect();
    let score = format!(
        "{} of {} faults found though nobody asked; {} needed a second run\n{}",
        rows.len() - missed.len(),
        rows.len(),
        again.len(),
        again.join("\n")
    );
    ground.clear().await;
    (score, missed)
}
