//! `preprod_artifact` and `size_analysis`: a mobile build has been measured, or made
//! ready to be installed.

use super::{lenient, strict};
use crate::facts::{Build, Comparison, Git, Project};
use crate::outline::Outline;
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// Components of a build that are kept.
const COMPARISONS_MAX: usize = 20;

/// Reads a build.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let data = payload.object("/data")?;
    let facts = &mut outline.facts;
    let project = Project {
        id: strict::id(&data, "/projectId")?,
        slug: data.short_text_opt("/projectSlug")?,
        name: None,
    };
    facts.project = (project != Project::default()).then_some(project);
    facts.organization = data.name("/organizationSlug");
    facts.platform = data.short_text_opt("/platform")?;
    facts.status = data.short_text_opt("/state")?;
    let build = describe(&data);
    outline.headline = headline(&build, outline);
    outline.facts.build = Some(build);
    Ok(())
}

fn describe(data: &Payload<'_>) -> Build {
    Build {
        id: lenient::id(data, "/buildId"),
        app_id: data.name("/appInfo/appId"),
        name: data.name("/appInfo/name"),
        version: data.name("/appInfo/version"),
        number: data.number("/appInfo/buildNumber"),
        artifact_type: data.name("/appInfo/artifactType"),
        configuration: data.name("/buildConfiguration"),
        installable: data.flag("/isInstallable"),
        error_code: data.name("/errorCode"),
        error_message: data.name("/errorMessage"),
        download_size: data.number("/downloadSize"),
        install_size: data.number("/installSize"),
        base_id: lenient::id(data, "/baseBuildId"),
        comparisons: comparisons(data),
        git: git(data),
    }
}

fn comparisons(data: &Payload<'_>) -> Vec<Comparison> {
    let items = data.value_at("/comparisons").and_then(Value::as_array);
    let objects = items.into_iter().flatten().filter(|item| item.is_object());
    let entities = objects.take(COMPARISONS_MAX).map(Payload::new);
    entities
        .map(|entity| Comparison {
            component: entity.name("/metricsArtifactType"),
            state: entity.name("/state"),
            download_size: entity.number("/sizeMetricDiff/headDownloadSize"),
            install_size: entity.number("/sizeMetricDiff/headInstallSize"),
            base_download_size: entity.number("/sizeMetricDiff/baseDownloadSize"),
            base_install_size: entity.number("/sizeMetricDiff/baseInstallSize"),
        })
        .collect()
}

fn git(data: &Payload<'_>) -> Option<Git> {
    let git = Git {
        repository: data.name("/gitInfo/headRepoName"),
        branch: data.name("/gitInfo/headRef"),
        base_branch: data.name("/gitInfo/baseRef"),
        sha: data.name("/gitInfo/headSha"),
        pull_request: data.number("/gitInfo/prNumber"),
    };
    (git != Git::default()).then_some(git)
}

/// `Build 72 size analysis completed (FAILED): MyApp 1.0`.
fn headline(build: &Build, outline: &Outline) -> String {
    let facts = &outline.facts;
    let what = match facts.resource.as_str() {
        "size_analysis" => "size analysis ",
        _ => "",
    };
    let id = build.id.as_deref().unwrap_or_default();
    let failed = facts
        .status
        .as_deref()
        .filter(|status| *status != "COMPLETED");
    let failed = failed
        .map(|status| format!(" ({status})"))
        .unwrap_or_default();
    let app = build.name.as_deref().or(build.app_id.as_deref());
    let version = build.version.as_deref().unwrap_or_default();
    let app = app
        .map(|app| format!(": {app} {version}"))
        .unwrap_or_default();
    format!("Build {id} {what}{}{failed}{app}", outline.verb())
}
