//! What a step asks to be proven before it: `proof = { notices = ["release-warning"], lead = "20h" }`, or a list of such.

use super::table::{Table, Value, list, one_or_list};
use super::{Known, value};
use crate::engine::id::NoticeKind;
use crate::engine::policy::{OfThem, Proof};
use crate::policy::error::Mistakes;

/// One proof or a list of them, each of which the step asks for.
pub(super) fn proofs(
    value: Value<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Vec<Proof>> {
    let proofs = one_or_list(value, "one proof or a list of them", mistakes, |item, mistakes| {
        proof(item, known, mistakes)
    })?;
    if proofs.is_empty() {
        mistakes.add(value.span(), "a list of proofs without any").expected("at least one");
        return None;
    }
    Some(proofs)
}

fn proof(value: Value<'_, '_>, known: &Known, mistakes: &mut Mistakes) -> Option<Proof> {
    let mut table = Table::open("proof", value, mistakes)?;
    let (all, any) = (table.get("notices"), table.get("any"));
    let lead = table.need("lead", mistakes).and_then(|v| value::length(v, mistakes));
    let at_most = table.get("at_most").map(|v| value::length(v, mistakes));
    table.close(mistakes);
    let (of_them, kinds) = match (all, any) {
        (Some(kinds), None) => (OfThem::All, kinds),
        (None, Some(kinds)) => (OfThem::Any, kinds),
        (Some(_), Some(_)) => {
            mistakes
                .add(value.span(), "both `notices` and `any`")
                .expected("`notices`, of which each is needed, or `any`, of which one is");
            return None;
        }
        (None, None) => {
            mistakes
                .add(value.span(), "a proof of nothing")
                .expected("`notices = [...]` or `any = [...]`");
            return None;
        }
    };
    let notices = notices(kinds, known, mistakes)?;
    let at_most = at_most.map_or(Some(None), |at_most| at_most.map(Some))?;
    Some(Proof { notices, of_them, lead: lead?, at_most })
}

fn notices(
    value: Value<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Vec<NoticeKind>> {
    let kinds = list(value, "a list of kinds of notices", mistakes, |item, mistakes| {
        known.declared(item, mistakes)
    })?;
    if kinds.is_empty() {
        mistakes.add(value.span(), "a proof of nothing").expected("at least one kind of notice");
        return None;
    }
    Some(kinds)
}
