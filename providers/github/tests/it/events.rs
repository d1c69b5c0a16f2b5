//! Events that resemble others, and their contents.

use super::*;
use serde_json::json;

#[test]
fn a_comment_is_not_an_issue() {
    let event = parse("issue_comment", &example("issue_comment", "created"));
    assert_eq!(event.kind, "issue_comment.created");
    rejects(&event, json!({"events": ["issues"]}), "events");
    rejects(&event, json!({"events": ["issues.created"]}), "events");
    accepts(&event, json!({"events": ["issue_comment"]}));
}

#[test]
fn a_comment_on_a_pull_request_says_so() {
    let mut payload = example("issue_comment", "created");
    let event = parse("issue_comment", &payload);
    assert!(!facts(&event).issue.unwrap().is_pull_request);
    assert!(
        event.title.contains("] Comment created on issue #1: "),
        "{}",
        event.title
    );
    payload["issue"]["pull_request"] = json!({"html_url": "https://github.com/o/r/pull/1"});
    let event = parse("issue_comment", &payload);
    assert!(facts(&event).issue.unwrap().is_pull_request);
    assert!(
        event
            .title
            .contains("] Comment created on pull request #1: "),
        "{}",
        event.title
    );
}

#[test]
fn a_review_is_not_a_pull_request() {
    let event = parse(
        "pull_request_review",
        &example("pull_request_review", "submitted"),
    );
    rejects(&event, json!({"events": ["pull_request"]}), "events");
    rejects(&event, json!({"merged": false}), "merged");
    assert!(facts(&event).review.is_some());
}

#[test]
fn a_merged_pull_request_is_recognized() {
    let mut payload = example("pull_request", "closed");
    payload["pull_request"]["merged"] = json!(true);
    let event = parse("pull_request", &payload);
    assert_eq!(event.kind, "pull_request.closed");
    assert!(event.title.contains(" merged: "), "{}", event.title);
    accepts(&event, json!({"merged": true}));
    payload["pull_request"]["merged"] = json!(false);
    let event = parse("pull_request", &payload);
    assert!(event.title.contains(" closed: "), "{}", event.title);
    rejects(&event, json!({"merged": true}), "merged");
}

#[test]
fn each_label_is_an_occurrence_of_its_own() {
    // A key per issue and action would lose the second label.
    let payload = example("issues", "labeled");
    let mut first = request("issues", &payload);
    let mut second = first.clone();
    first.headers[2].value = "guid-1".into();
    second.headers[2].value = "guid-2".into();
    let key = |request| GitHub::parse(request).unwrap().remove(0).dedup_key;
    assert_eq!(key(first.clone()), "github:guid-1");
    assert_eq!(key(first), "github:guid-1");
    assert_ne!(key(second), "github:guid-1");
}

#[test]
fn a_ping_names_its_webhook_and_never_starts_a_run() {
    let event = parse("ping", &example("ping", ""));
    assert_eq!(event.kind, "ping");
    assert_eq!(
        event.title,
        "[Octocoders/Hello-World] Ping from webhook: 109948940"
    );
    for config in [json!({}), json!({"events": ["ping"]})] {
        assert_eq!(
            verdict(&event, config),
            Verdict::Reject("ping: never starts a run".into())
        );
    }
}

#[test]
fn nothing_secret_is_kept() {
    let text = |event: &str, payload: Value| parse(event, &payload).facts;
    let key = json!({"action": "created", "key": {"id": 1, "key": "ssh-rsa AAAA"}});
    assert!(!text("deploy_key", key).contains("AAAA"));
    let hook = json!({"hook_id": 1, "hook": {"config": {"url": "https://h/?token=AAAA", "secret": "AAAA"}}});
    assert!(!text("meta", hook.clone()).contains("AAAA"));
    assert!(!text("ping", hook).contains("AAAA"));
    let alert =
        json!({"action": "created", "alert": {"number": 1, "secret": "AAAA", "secret_type": "t"}});
    assert!(!text("secret_scanning_alert", alert).contains("AAAA"));
    let unknown = json!({"vault": {"id": 1, "key": "AAAA", "token": "AAAA"}});
    assert!(!text("vault", unknown).contains("AAAA"));
}

#[test]
fn an_unknown_event_works() {
    let payload = json!({
        "action": "half_baked",
        "bread_order": {"id": 5, "title": "Rye", "html_url": "https://github.com/b/5", "state": "hot"},
        "repository": {"full_name": "octo-org/hello", "owner": {"login": "octo-org", "type": "Organization"}},
        "sender": {"login": "octocat", "type": "User"}
    });
    let event = parse("bread_order", &payload);
    assert_eq!(event.kind, "bread_order.half_baked");
    assert_eq!(event.title, "[octo-org/hello] Bread order half baked: Rye");
    assert_eq!(event.url.as_deref(), Some("https://github.com/b/5"));
    accepts(
        &event,
        json!({"events": ["bread_order"], "organizations": ["Octo-Org"], "authors": ["octocat"]}),
    );
    let bare = parse("bread_order", &json!({}));
    assert_eq!(
        (bare.kind.as_str(), bare.title.as_str()),
        ("bread_order", "Bread order")
    );
}

#[test]
fn a_push_says_which_branch_or_tag_and_what_changed() {
    let mut payload = json!({
        "ref": "refs/heads/feature/a", "before": "a", "after": "b", "compare": "https://github.com/c",
        "commits": [
            {"id": "1", "message": "One\n\nmore", "added": ["a.rs"], "modified": [], "removed": ["old"]},
            {"id": "2", "message": "Two", "added": [], "modified": ["a.rs", "b.rs"], "removed": []}
        ],
        "head_commit": {"message": "Two\n\nmore", "timestamp": "2020-01-01T00:00:00Z"},
        "pusher": {"name": "octocat"},
        "repository": {"full_name": "o/r", "html_url": "https://github.com/o/r", "pushed_at": 1_600_000_000}
    });
    let event = parse("push", &payload);
    assert_eq!(event.title, "[o/r] 2 commits pushed to feature/a: Two");
    assert_eq!(event.actor.as_deref(), Some("octocat"));
    assert_eq!(event.occurred_at, Some(1_600_000_000_000_000));
    let push = facts(&event).push.unwrap();
    assert_eq!(push.paths, ["a.rs", "b.rs", "old"]);
    assert!(!push.paths_truncated && !push.commits_truncated);
    payload["ref"] = json!("refs/tags/v1");
    let facts = facts(&parse("push", &payload));
    assert_eq!(facts.tag.as_deref(), Some("v1"));
    assert!(facts.branches.is_empty());
}

#[test]
fn a_push_that_deletes_a_branch_has_no_link_to_a_comparison() {
    let pushes = octokit().remove("push").unwrap();
    let deleted = pushes
        .iter()
        .find(|payload| payload["deleted"] == json!(true))
        .unwrap();
    let event = parse("push", deleted);
    assert!(event.title.contains("] Deleted "), "{}", event.title);
    assert_eq!(
        event.url.as_deref(),
        deleted["repository"]["html_url"].as_str()
    );
}

#[test]
fn an_enormous_push_is_bounded_and_says_so() {
    let file = |n: usize| format!("folder/{n}/{}", "x".repeat(60));
    let commits: Vec<Value> = (0..500)
        .map(|c| {
            let files: Vec<_> = (0..10).map(|f| file(c * 10 + f)).collect();
            json!({"id": "1", "message": "\u{1}".repeat(9_000), "added": files, "modified": [], "removed": []})
        })
        .collect();
    let payload = json!({
        "ref": "refs/heads/main", "after": "b", "commits": commits,
        "repository": {"full_name": "o/r"}
    });
    let event = parse("push", &payload);
    assert!(event.facts.len() <= 262_144, "{}", event.facts.len());
    let push = facts(&event).push.unwrap();
    assert_eq!(push.commit_count, 500);
    assert!(push.paths_truncated && push.commits_truncated);
    // Not all files are known, so the filter cannot say that none matches.
    accepts(&event, json!({"paths": ["elsewhere/**"]}));
}

#[test]
fn texts_are_cut_on_character_boundaries() {
    let mut payload = example("issues", "opened");
    payload["issue"]["title"] = json!("é🍞".repeat(2_000));
    payload["issue"]["body"] = json!("é🍞\u{0}".repeat(90_000));
    payload["issue"]["labels"] = (0..300)
        .map(|_| json!({"name": "ä".repeat(2_000)}))
        .collect();
    payload["action"] = json!("ö".repeat(2_000));
    let event = parse("issues", &payload);
    assert!(event.title.len() <= 2_048 && event.title.ends_with('…'));
    assert!(event.kind.len() <= 256);
    assert!(event.facts.len() <= 262_144);
}
