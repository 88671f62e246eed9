//! How SQLite goes about the statements that run often or over large tables: along an index, never over all rows.

use rusqlite::Connection;

use super::{
    commands, decisions, gates, inbox, intents, ledger, notices, open, publications, state,
};

/// A statement, and what each step of its plan has to say.
const PLANS: &[(&str, &[&str])] = &[
    (
        state::DUE_OF_ACCOUNTS,
        &["SEARCH accounts USING COVERING INDEX accounts_by_wake (wake_at<?)"],
    ),
    (
        state::DUE_OF_RESOURCES,
        &["SEARCH resources USING COVERING INDEX resources_by_wake (wake_at<?)"],
    ),
    (
        state::DUE_OF_ACCOUNT,
        &["SEARCH resources USING INDEX resources_of_account_by_wake (account=? AND wake_at<?)"],
    ),
    (
        state::GATED_OF_ACCOUNT,
        &[
            "COMPOUND QUERY",
            "LEFT-MOST SUBQUERY",
            "SEARCH resources USING INDEX resources_of_account_by_gate (account=? AND gate>?)",
            "UNION ALL",
            "SEARCH resources USING INDEX resources_of_account_by_wish_gate (account=? AND wish_gate>?)",
        ],
    ),
    (
        gates::GATED,
        &[
            "MERGE (UNION)",
            "LEFT",
            "SEARCH resources USING COVERING INDEX resources_by_gate (gate=? AND account>?)",
            "RIGHT",
            "SEARCH resources USING COVERING INDEX resources_by_wish_gate (wish_gate=? AND account>?)",
        ],
    ),
    (state::HELD, &["SEARCH resources USING INDEX resources_held ((account,id)>(?,?))"]),
    (state::ON_HOLD, &["SEARCH resources USING INDEX resources_on_hold ((account,id)>(?,?))"]),
    (state::ACCOUNTS_ON_HOLD, &["SEARCH accounts USING INDEX accounts_on_hold (id>?)"]),
    // All of a partial index: what waits.
    (commands::WAITING, &["SCAN commands USING INDEX commands_waiting"]),
    (intents::OF_ACCOUNT, &["SEARCH intents USING PRIMARY KEY (account=?)"]),
    (
        intents::OF_BATCH,
        &[
            "SEARCH intents USING INDEX intents_by_batch (batch=? AND (account,resource,phase)>(?,?,?))",
        ],
    ),
    (
        intents::WAITING,
        &[
            "SEARCH intents USING INDEX intents_by_state (state=? AND kind=? AND policy=? AND (account,resource,phase)>(?,?,?))",
        ],
    ),
    (intents::OF_ONE, &["SEARCH intents USING PRIMARY KEY (account=? AND resource=?)"]),
    (intents::WAITING_COUNT, &["SEARCH intents USING COVERING INDEX intents_by_state (state=?)"]),
    (
        intents::ADMITTED,
        &[
            "SEARCH intents USING COVERING INDEX intents_by_state (state=?)",
            "USE TEMP B-TREE FOR DISTINCT",
        ],
    ),
    (
        intents::JUDGE,
        &["SEARCH intents USING INDEX intents_by_state (state=? AND kind=? AND policy=?)"],
    ),
    (intents::DECIDE, &["SEARCH intents USING INDEX intents_by_batch (batch=?)"]),
    (intents::FORGET, &["SEARCH intents USING PRIMARY KEY (account=?)"]),
    (
        intents::FALLS,
        &[
            "SEARCH intents USING INDEX intents_by_state (state=? AND kind=?)",
            "USE TEMP B-TREE FOR GROUP BY",
        ],
    ),
    // Walked from its end, one row.
    (
        state::NEXT_OF_ACCOUNTS,
        &["SEARCH accounts USING COVERING INDEX accounts_by_wake (wake_at>?)"],
    ),
    (
        state::NEXT_OF_RESOURCES,
        &["SEARCH resources USING COVERING INDEX resources_by_wake (wake_at>?)"],
    ),
    (state::ACCOUNT_SAME_WAKE, &["SEARCH accounts USING INDEX sqlite_autoindex_accounts_1 (id=?)"]),
    (
        state::RESOURCE_SAME_WAKE,
        &["SEARCH resources USING INDEX sqlite_autoindex_resources_1 (account=? AND id=?)"],
    ),
    (state::BEFORE, &["SEARCH resources USING INDEX resources_by_id (id<?)"]),
    (state::AFTER, &["SEARCH resources USING INDEX resources_by_id (id>?)"]),
    (publications::WAITING, &["SEARCH publications USING INDEX publications_by_lane (lane=?)"]),
    (inbox::RECEIVED, &["SEARCH inbox USING INDEX sqlite_autoindex_inbox_1 (source=? AND id=?)"]),
    (publications::READY, &["SEARCH publications USING INDEX publications_ready (next_at<?)"]),
    // All of a partial index: one row a lane.
    (publications::NEXT, &["SCAN publications USING INDEX publications_ready"]),
    (
        publications::NEXT_HEAD,
        &[
            "SEARCH publications USING INTEGER PRIMARY KEY (rowid=?)",
            "SCALAR SUBQUERY 1",
            "SEARCH publications USING COVERING INDEX publications_by_lane (lane=?)",
        ],
    ),
    (
        notices::LAST,
        &[
            "SEARCH notices USING INDEX notices_by_account (account=?)",
            "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
        ],
    ),
    (notices::READY, &["SEARCH deliveries USING INDEX deliveries_ready (channel=? AND next_at<?)"]),
    // All of partial indexes: what waits.
    (notices::NEXT, &["SEARCH deliveries USING INDEX deliveries_ready (channel=?)"]),
    (notices::DEPTH, &["SCAN deliveries USING COVERING INDEX deliveries_ready"]),
    (
        inbox::FORGET,
        &[
            "SEARCH inbox USING INTEGER PRIMARY KEY (rowid=?)",
            "LIST SUBQUERY 1",
            "SEARCH inbox USING COVERING INDEX inbox_by_age (received_at<?)",
        ],
    ),
    (
        decisions::OF_ACCOUNT,
        &[
            "SEARCH d USING INDEX decisions_by_account (account=? AND id<?)",
            "SEARCH t USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
        ],
    ),
    (
        decisions::OF_RESOURCE,
        &[
            "SEARCH r USING PRIMARY KEY (account=? AND resource=? AND decision<?)",
            "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH t USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
        ],
    ),
    (ledger::HEAD, &["SEARCH ledger_heads USING PRIMARY KEY (account=?)"]),
    (
        ledger::ROWS,
        &[
            "SEARCH d USING INDEX decisions_by_account (account=? AND id>?)",
            "SEARCH t USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
            "CORRELATED SCALAR SUBQUERY 2",
            "CO-ROUTINE (subquery-1)",
            "SEARCH r USING COVERING INDEX decision_resources_by_decision (decision=?)",
            "USE TEMP B-TREE FOR ORDER BY",
            "SCAN (subquery-1)",
        ],
    ),
];

fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let rows = explain.raw_query().mapped(|row| row.get(3));
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_cost_follows_what_is_due_and_never_what_is_tracked() {
    let mut connection = Connection::open_in_memory().unwrap();
    open::migrate(&mut connection, open::MIGRATIONS).unwrap();
    for (statement, expected) in PLANS {
        assert_eq!(plan(&connection, statement), *expected, "{statement}");
    }
}
