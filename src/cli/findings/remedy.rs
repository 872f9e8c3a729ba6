//! What to do about a reason in general, for a terminal.

use crate::model::{Guide, Reason};

/// The guide's remedy, without its marks for a page.
pub(in crate::cli) fn remedy_text(reason: Reason) -> String {
    Guide::to(reason).remedy.replace('`', "")
}
