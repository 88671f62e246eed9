//! Publications: in order within a lane, one of a lane at a time, none forgotten.

use std::collections::HashSet;

use dunlin::store::{Read, Store};

use super::samples::{at, publication};
use super::{Backend, commit, contract};

contract! {
    only_the_oldest_of_a_lane_is_ready,
    a_lane_in_flight_is_left_alone,
    a_retry_holds_its_lane_back_and_no_other,
    the_same_publication_twice_is_one_row,
    the_backlog_counts_what_waits_and_how_long,
    the_limit_is_for_what_can_go,
    the_next_publication_tells_how_long_to_sleep,
    what_waits_in_a_lane_is_read_in_order_up_to_a_limit,
}

fn lanes(names: &[&str]) -> HashSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ready(reader: &dyn Read, now: i64, limit: usize, in_flight: &[&str]) -> Vec<String> {
    let rows = reader.ready_publications(at(now), limit, &lanes(in_flight)).unwrap();
    rows.into_iter().map(|row| row.publication.id).collect()
}

fn push(store: &mut dyn Store, rows: &[(&str, &str, i64)]) {
    commit(store, |t| {
        for (id, lane, seconds) in rows {
            assert!(t.push_publication(&publication(id, lane, *seconds)).unwrap());
        }
    });
}

const THREE: [(&str, &str, i64); 4] =
    [("a1", "a", 0), ("b1", "b", 1), ("a2", "a", 1), ("a3", "a", 2)];

fn what_waits_in_a_lane_is_read_in_order_up_to_a_limit(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut(), &THREE);
    commit(store.as_mut(), |t| t.retry_publication("a1", at(60), "refused").unwrap());
    let reader = store.reader().unwrap();
    let waiting = |lane, limit| -> Vec<(String, u32)> {
        let rows = reader.waiting_publications(lane, limit).unwrap();
        rows.into_iter().map(|row| (row.publication.id, row.attempts)).collect()
    };
    let named = |id: &str, attempts| (id.to_owned(), attempts);
    assert_eq!(waiting("a", 2), [named("a1", 1), named("a2", 0)], "also what is put off");
    assert_eq!(waiting("b", 9), [named("b1", 0)]);
    assert_eq!(waiting("c", 9), []);
}

fn only_the_oldest_of_a_lane_is_ready(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut(), &THREE);
    let reader = store.reader().unwrap();
    assert_eq!(ready(reader.as_ref(), 9, 9, &[]), ["a1", "b1"]);
    let first = &reader.ready_publications(at(9), 1, &lanes(&[])).unwrap()[0];
    assert_eq!(first.publication, publication("a1", "a", 0).publication);
    assert_eq!((first.lane.as_str(), first.created_at, first.attempts), ("a", at(0), 0));
    for (done, then) in [("a1", ["b1", "a2"]), ("a2", ["b1", "a3"])] {
        commit(store.as_mut(), |t| assert!(t.finish_publication(done).unwrap()));
        assert_eq!(ready(reader.as_ref(), 9, 9, &[]), then);
    }
    commit(store.as_mut(), |t| {
        assert!(!t.finish_publication("a2").unwrap(), "it is finished");
        assert!(t.finish_publication("b1").unwrap() && t.finish_publication("a3").unwrap());
    });
    assert!(ready(reader.as_ref(), 9, 9, &[]).is_empty());
    push(store.as_mut(), &[("a4", "a", 3)]);
    assert_eq!(ready(reader.as_ref(), 9, 9, &[]), ["a4"], "an emptied lane starts again");
}

fn a_lane_in_flight_is_left_alone(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut(), &THREE);
    let reader = store.reader().unwrap();
    assert_eq!(ready(reader.as_ref(), 9, 9, &["a"]), ["b1"]);
    assert!(ready(reader.as_ref(), 9, 9, &["a", "b"]).is_empty());
}

fn a_retry_holds_its_lane_back_and_no_other(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut(), &THREE);
    commit(store.as_mut(), |t| {
        assert!(t.retry_publication("a1", at(50), "no route").unwrap());
        assert!(!t.retry_publication("gone", at(50), "no route").unwrap());
    });
    let reader = store.reader().unwrap();
    assert_eq!(ready(reader.as_ref(), 49, 9, &[]), ["b1"]);
    assert_eq!(ready(reader.as_ref(), 50, 9, &[]), ["b1", "a1"]);
    let rows = reader.ready_publications(at(50), 9, &lanes(&["b"])).unwrap();
    assert_eq!((rows[0].attempts, rows[0].last_error.as_deref()), (1, Some("no route")));
}

fn the_same_publication_twice_is_one_row(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut(), &[("a1", "a", 0)]);
    commit(store.as_mut(), |t| {
        assert!(!t.push_publication(&publication("a1", "a", 5)).unwrap());
        assert_eq!(t.backlog().unwrap().publications, 1);
    });
}

fn the_backlog_counts_what_waits_and_how_long(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut(), &[("a1", "a", 3), ("b1", "b", 4)]);
    commit(store.as_mut(), |t| t.retry_publication("a1", at(90), "later").unwrap());
    let backlog = store.reader().unwrap().backlog().unwrap();
    assert_eq!((backlog.publications, backlog.oldest_publication), (2, Some(at(3))));
    commit(store.as_mut(), |t| t.finish_publication("a1").unwrap());
    let backlog = store.reader().unwrap().backlog().unwrap();
    assert_eq!((backlog.publications, backlog.oldest_publication), (1, Some(at(4))));
}

fn the_limit_is_for_what_can_go(backend: &dyn Backend) {
    let mut store = backend.open();
    push(store.as_mut(), &[("a1", "a", 0), ("b1", "b", 1), ("c1", "c", 2), ("d1", "d", 3)]);
    let reader = store.reader().unwrap();
    assert_eq!(ready(reader.as_ref(), 9, 2, &["a", "b"]), ["c1", "d1"]);
    assert_eq!(ready(reader.as_ref(), 9, 1, &[]), ["a1"]);
}

fn the_next_publication_tells_how_long_to_sleep(backend: &dyn Backend) {
    let mut store = backend.open();
    let next = |store: &dyn Store, in_flight: &[&str]| {
        store.reader().unwrap().next_publication(&lanes(in_flight)).unwrap()
    };
    assert_eq!(next(store.as_ref(), &[]), None);
    push(store.as_mut(), &THREE);
    commit(store.as_mut(), |t| t.retry_publication("a1", at(50), "no route").unwrap());
    assert_eq!(next(store.as_ref(), &[]), Some(at(1)));
    assert_eq!(next(store.as_ref(), &["b"]), Some(at(50)), "what waits behind a1 is not next");
    assert_eq!(next(store.as_ref(), &["a", "b"]), None);
}
