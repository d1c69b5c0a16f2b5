//! Credentials on real databases. Token endpoint and Nango are servers of the test, which
//! record every request.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use triggerhouse::app::create_key;
use triggerhouse::config::Config;
use triggerhouse::credentials::{
    Access, AccessError, ClientAuth, Credential, Credentials, Want, seal,
};
use triggerhouse::domain::integration::{Integration, IntegrationStatus};
use triggerhouse::domain::patch::Patch;
use triggerhouse::domain::resource::TriggerKind;
use triggerhouse::domain::{IntegrationId, OrgId, Timestamp, TriggerId};
use triggerhouse::secret::MasterKey;
use triggerhouse::store::{
    ClaimedPoll, IntegrationPatch, NewIntegration, NewTrigger, PageRequest, PollDisposition, Store,
    TriggerAutomation, TriggerPoll,
};
use triggerhouse_tests::{TestDb, app};

mod api;
mod log;
mod nango;
mod oauth;
mod reach;
mod replicas;

/// 2026-11-23T14:34:29Z.
const NOW: Timestamp = Timestamp(1_795_444_469_000_000);
/// Texts that only the issuer and the host may see.
const SECRETS: [&str; 3] = ["hush-client-secret", "hush-refresh-0", "hush-nango-key"];

fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

/// A recorded request.
#[derive(Clone, Debug)]
struct Seen {
    /// Its position among all requests, from 1.
    number: usize,
    method: String,
    target: String,
    authorization: Option<String>,
    content_type: Option<String>,
    body: String,
}

impl Seen {
    fn form(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.body.as_bytes());
        pairs
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// An issuer of access tokens: it records requests, and answers when the gate opens.
#[derive(Clone)]
struct Issuer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// One permit lets one answer go.
    gate: Arc<Semaphore>,
}

impl Issuer {
    /// Starts one that answers at once.
    async fn start(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let issuer = Self::holding(answer).await;
        issuer.gate.add_permits(10_000);
        issuer
    }

    /// Starts one that answers only through the gate.
    async fn holding(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        };
        let (seen, gate) = (Arc::clone(&issuer.seen), Arc::clone(&issuer.gate));
        let handle = move |request: Request<Body>| {
            let (seen, gate, answer) = (Arc::clone(&seen), Arc::clone(&gate), answer.clone());
            async move {
                let request = arrived(request, &seen).await;
                let answer = answer(&request);
                gate.acquire().await.unwrap().forget();
                answer
            }
        };
        let app = axum::Router::new().fallback(handle);
        tokio::spawn(async move { axum::serve(listener, app).await });
        issuer
    }

    /// Starts one that issues `hush-access-1`, `-2` and so on, each valid for `seconds`.
    async fn of_tokens(seconds: u64) -> Self {
        Self::start(move |seen| tokens(seen, seconds)).await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }
}

fn tokens(seen: &Seen, seconds: u64) -> Response {
    let access = format!("hush-access-{}", seen.number);
    answer(
        200,
        json!({"access_token": access, "token_type": "Bearer", "expires_in": seconds}),
    )
}

fn answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, axum::Json(body)).into_response()
}

async fn arrived(request: Request<Body>, log: &Mutex<Vec<Seen>>) -> Seen {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: &str| {
        let value = parts.headers.get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let mut log = log.lock().unwrap();
    let seen = Seen {
        number: log.len() + 1,
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        authorization: header("authorization"),
        content_type: header("content-type"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    log.push(seen.clone());
    seen
}

fn org() -> OrgId {
    "acme".parse().unwrap()
}

/// An organization with one integration, and the settings of its host.
struct Rig {
    store: Store,
    key: Arc<MasterKey>,
    config: Config,
    integration: IntegrationId,
}

impl Rig {
    /// Creates one with a refresh token for the issuer, which the operator allows.
    async fn oauth(db: &TestDb, issuer: &Issuer) -> Self {
        Self::new(db, issuer, Some(grant(&issuer.url()))).await
    }

    async fn new(db: &TestDb, issuer: &Issuer, credential: Option<Credential>) -> Self {
        let store = db.store().await;
        create_key(&store, &org(), "test").await.unwrap();
        let extra = format!(
            "[credentials]\nallow_hosts = ['{address}']
             [nango]\nsecret_key = 'hush-nango-key'\nbase_url = 'http://{address}'",
            address = issuer.address
        );
        let config = app::config(db, &extra);
        let key = Arc::new(MasterKey::from_base64(config.master_key.expose()).unwrap());
        let integration = IntegrationId::new();
        let new = NewIntegration {
            id: integration,
            provider: "echo".into(),
            name: None,
            connection_id: Some("c-1".into()),
            provider_config_key: None,
            account: None,
            secret: None,
            credential: credential.map(|credential| seal(&key, integration, &credential)),
        };
        store.create_integration(&org(), &new, NOW).await.unwrap();
        Self {
            store,
            key,
            config,
            integration,
        }
    }

    /// The credentials of another replica, which has its own connections.
    async fn replica(&self, db: &TestDb) -> Credentials {
        let key = Arc::clone(&self.key);
        Credentials::new(db.store().await, key, &self.config).unwrap()
    }

    async fn set(&self, credential: Credential, now: Timestamp) -> Integration {
        let credential = seal(&self.key, self.integration, &credential);
        let patch = IntegrationPatch {
            credential: Patch::Set(credential),
            ..IntegrationPatch::default()
        };
        self.change(&patch, now).await
    }

    async fn change(&self, patch: &IntegrationPatch, now: Timestamp) -> Integration {
        let (store, org) = (&self.store, org());
        let changed = store.update_integration(&org, self.integration, patch, now);
        changed.await.unwrap().unwrap()
    }

    /// Settles a refused poll. True if the refusal counted.
    async fn refuse(&self, revision: Option<uuid::Uuid>, reason: &str) -> bool {
        match self.polled().await {
            Some(claim) => self.refused(&claim, revision, reason).await,
            None => false,
        }
    }

    /// Claims a poll. None while the integration is not polled.
    async fn polled(&self) -> Option<ClaimedPoll> {
        let (store, org) = (&self.store, org());
        let page = PageRequest {
            limit: 1,
            before: None,
        };
        if store
            .list_poll_groups(&org, page, NOW)
            .await
            .unwrap()
            .items
            .is_empty()
        {
            let trigger = NewTrigger {
                id: TriggerId::new(),
                automation: TriggerAutomation::New("a".into()),
                name: "t".into(),
                provider: "p".into(),
                kind: TriggerKind::Polling,
                integration: Some(self.integration),
                config: json!({}),
                enabled: true,
                endpoint: None,
                clock: None,
                poll: Some(TriggerPoll::Every(60)),
            };
            store.create_trigger(&org, &trigger, NOW).await.unwrap();
        }
        let groups = store.list_poll_groups(&org, page, NOW).await.unwrap();
        let group = groups.items[0].id;
        store.poll_now(&org, group, false, NOW).await.unwrap();
        let lease = Duration::from_secs(30);
        store
            .claim_poll(group, NOW, lease, |_| lease)
            .await
            .unwrap()
    }

    async fn refused(
        &self,
        claim: &ClaimedPoll,
        revision: Option<uuid::Uuid>,
        reason: &str,
    ) -> bool {
        let error = reason.to_owned();
        let failed = PollDisposition::Unauthorized { error, revision };
        assert!(self.store.fail_poll(claim, &failed, NOW).await.unwrap());
        self.status().await == IntegrationStatus::NeedsReauth
    }

    async fn integration(&self) -> Integration {
        let found = self.store.integration(&org(), self.integration).await;
        found.unwrap().unwrap()
    }

    async fn status(&self) -> IntegrationStatus {
        self.integration().await.status
    }

    async fn access(
        &self,
        credentials: &Credentials,
        want: Want,
        now: Timestamp,
    ) -> Result<Access, AccessError> {
        credentials.access(self.integration, want, now).await
    }
}

/// A refresh token at `url`.
fn grant(url: &str) -> Credential {
    Credential::OauthRefresh {
        token_url: url.into(),
        client_id: "the-client".into(),
        client_secret: "hush-client-secret".into(),
        refresh_token: "hush-refresh-0".into(),
        scope: None,
        client_auth: ClientAuth::default(),
    }
}

fn static_token(text: &str) -> Credential {
    Credential::Token { token: text.into() }
}

/// The token as plain text.
fn shown(access: &Access) -> &str {
    access.secret.as_ref().unwrap().expose()
}

/// The reason and revision of a refused credential.
fn needs_reauth(result: Result<Access, AccessError>) -> (String, Option<uuid::Uuid>) {
    match result {
        Err(AccessError::NeedsReauth { reason, revision }) => (reason, revision),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The reason and pause of a transient failure.
fn unavailable(result: Result<Access, AccessError>) -> (String, Option<Duration>) {
    match result {
        Err(AccessError::Unavailable {
            reason,
            retry_after,
        }) => (reason, retry_after),
        other => panic!("expected trouble, got {other:?}"),
    }
}
