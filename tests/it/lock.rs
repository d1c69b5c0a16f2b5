//! Locks of poll groups, on a real Redis with outages.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use triggerhouse::lock::{Acquired, LockGuard, Locks, Renewed};
use triggerhouse_tests::app::free_port;
use triggerhouse_tests::eventually;
use triggerhouse_tests::redis::{PrivateRedis, command, shared};

const TTL: Duration = Duration::from_secs(60);
/// The limit of a call, with a margin for a busy machine.
const BOUND: Duration = Duration::from_secs(3);

/// A group of this test only.
fn group() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn key(group: &str) -> String {
    format!("triggerhouse:poll:{group}")
}

async fn held(locks: &Locks, group: &str) -> LockGuard {
    match locks.acquire(group, TTL).await {
        Acquired::Held(guard) => guard,
        other => panic!("{other:?}"),
    }
}

async fn is_busy(locks: &Locks, group: &str) -> bool {
    matches!(locks.acquire(group, TTL).await, Acquired::Busy)
}

/// Acquires from an unavailable Redis. Returns the reason, which must come in time.
async fn unavailable(locks: &Locks, group: &str) -> String {
    let begun = Instant::now();
    let acquired = locks.acquire(group, TTL).await;
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    match acquired {
        Acquired::Unavailable(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_of_two_replicas_holds_a_lock_until_it_releases_it() {
    let (one, other, group) = (shared_locks(), shared_locks(), group());
    let guard = held(&one, &group).await;
    assert!(is_busy(&other, &group).await);
    assert!(
        is_busy(&one, &group).await,
        "not twice in one replica either"
    );
    let _another_group = held(&other, &format!("{group}-2")).await;
    guard.release().await;
    let guard = held(&other, &group).await;
    assert!(is_busy(&one, &group).await);
    guard.release().await;
    assert_eq!(
        command(&shared(), &format!("GET {}", key(&group))).await,
        None
    );
}

fn shared_locks() -> Locks {
    Locks::new(&shared()).unwrap()
}

#[tokio::test]
async fn renewing_extends_a_lock_to_its_full_time() {
    // This test flushes scripts, so it needs its own Redis.
    let redis = PrivateRedis::start().await;
    let (locks, key) = (Locks::new(&redis.url()).unwrap(), key("g"));
    let guard = held(&locks, "g").await;
    for scripts in ["new", "known", "forgotten"] {
        command(&redis.url(), &format!("PEXPIRE {key} 20000")).await;
        if scripts == "forgotten" {
            command(&redis.url(), "SCRIPT FLUSH").await;
        }
        assert_eq!(guard.renew().await, Renewed::Held, "{scripts}");
        let left = command(&redis.url(), &format!("PTTL {key}")).await.unwrap();
        let left: u64 = left.parse().unwrap();
        assert!((40_000..=60_000).contains(&left), "{left}");
    }
    guard.release().await;
    redis.kill().await;
}

#[tokio::test]
async fn a_lapsed_lock_is_free_and_its_old_owner_neither_renews_nor_releases_it() {
    let (one, other, group) = (shared_locks(), shared_locks(), group());
    let Acquired::Held(first) = one.acquire(&group, Duration::from_millis(1)).await else {
        panic!("not held");
    };
    let key = key(&group);
    eventually("the lock lapses", async || {
        command(&shared(), &format!("GET {key}")).await.is_none()
    })
    .await;
    assert_eq!(first.renew().await, Renewed::Lost);
    let second = held(&other, &group).await;
    let token = command(&shared(), &format!("GET {key}")).await;
    assert!(token.is_some());
    assert_eq!(first.renew().await, Renewed::Lost, "it is another's now");
    first.release().await;
    assert_eq!(command(&shared(), &format!("GET {key}")).await, token);
    assert_eq!(second.renew().await, Renewed::Held);
    second.release().await;
}

#[tokio::test]
async fn a_dropped_guard_leaves_its_lock_until_it_lapses() {
    let (locks, group) = (shared_locks(), group());
    drop(held(&locks, &group).await);
    assert!(is_busy(&locks, &group).await);
    command(&shared(), &format!("PEXPIRE {} 1", key(&group))).await;
    eventually("the lock lapses", async || !is_busy(&locks, &group).await).await;
}

#[tokio::test]
async fn without_redis_every_lock_is_free() {
    let locks = Locks::none();
    let (one, other) = (held(&locks, "g").await, held(&locks, "g").await);
    assert_eq!(one.renew().await, Renewed::Held);
    one.release().await;
    other.release().await;
}

#[tokio::test]
async fn calls_to_an_absent_redis_return_in_time() {
    let closed = Locks::new(&format!("redis://127.0.0.1:{}", free_port())).unwrap();
    unavailable(&closed, "g").await;

    // The kernel accepts connections, but no process answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for scheme in ["redis", "rediss"] {
        let locks = Locks::new(&format!("{scheme}://127.0.0.1:{port}")).unwrap();
        // More concurrent calls than connections.
        let waiting = (0..10).map(|_| {
            let locks = locks.clone();
            tokio::spawn(async move { unavailable(&locks, "g").await })
        });
        for waiting in waiting.collect::<Vec<_>>() {
            waiting.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_redis_that_comes_back_is_used_again() {
    let redis = PrivateRedis::start().await;
    let port = redis.port;
    let locks = Locks::new(&redis.url()).unwrap();
    let mut guards = Vec::new();
    for group in 0..8 {
        guards.push(held(&locks, &format!("g{group}")).await);
    }
    redis.kill().await;
    unavailable(&locks, "g").await;
    let begun = Instant::now();
    assert!(matches!(guards[0].renew().await, Renewed::Unavailable(_)));
    guards.remove(1).release().await;
    assert!(begun.elapsed() < BOUND * 2);

    let redis = PrivateRedis::start_on(port).await;
    assert_eq!(guards[0].renew().await, Renewed::Lost, "it forgot");
    let guard = held(&locks, "g0").await;
    assert_eq!(guard.renew().await, Renewed::Held);
    redis.kill().await;
}

#[tokio::test]
async fn a_paused_redis_times_out_and_is_used_again_afterwards() {
    let redis = PrivateRedis::start().await;
    let locks = Locks::new(&redis.url()).unwrap();
    let guard = held(&locks, "g").await;
    command(&redis.url(), "CLIENT PAUSE 3000 ALL").await;
    let begun = Instant::now();
    assert!(matches!(guard.renew().await, Renewed::Unavailable(_)));
    assert!(begun.elapsed() < BOUND);
    eventually("Redis goes on", async || {
        guard.renew().await == Renewed::Held
    })
    .await;
    redis.kill().await;
}

#[tokio::test]
async fn redis_is_reached_by_tls_if_its_certificate_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
    std::fs::write(directory.path().join("cert.pem"), &cert).unwrap();
    std::fs::write(directory.path().join("key.pem"), key).unwrap();
    let redis = PrivateRedis::start_with_tls(directory.path()).await;
    let url = format!("rediss://localhost:{}", redis.port);
    let locks = Locks::trusting(&url, cert.as_bytes()).unwrap();
    let guard = held(&locks, "g").await;
    assert_eq!(guard.renew().await, Renewed::Held);
    let reason = unavailable(&Locks::new(&url).unwrap(), "g").await;
    assert!(reason.contains("certificate"), "{reason}");
    redis.kill().await;
}

#[tokio::test]
async fn the_password_is_never_printed() {
    let redis = PrivateRedis::start().await;
    command(&redis.url(), "CONFIG SET requirepass hunter2").await;
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}", redis.port);
    let locks = Locks::new(&url("hunter2")).unwrap();
    let guard = held(&locks, "g").await;
    let reason = unavailable(&Locks::new(&url("sesame")).unwrap(), "g").await;
    for shown in [format!("{locks:?} {guard:?}"), reason] {
        assert!(
            !shown.contains("hunter2") && !shown.contains("sesame"),
            "{shown}"
        );
    }
    redis.kill().await;

    // A server without the command repeats its arguments in the error.
    let parrot = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = parrot.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = parrot.accept().await {
            let mut said = vec![0; 1024];
            while let Ok(bytes @ 1..) = client.read(&mut said).await {
                let said = String::from_utf8_lossy(&said[..bytes]).replace("\r\n", " ");
                let answer = format!("-ERR unknown command, with args beginning with: {said}\r\n");
                let _ = client.write_all(answer.repeat(8).as_bytes()).await;
            }
        }
    });
    let locks = Locks::new(&format!("redis://:hunter2@127.0.0.1:{port}?protocol=resp3")).unwrap();
    let reason = unavailable(&locks, "g").await;
    assert!(reason.contains("unknown command"), "{reason}");
    assert!(!reason.contains("hunter2"), "{reason}");
}
