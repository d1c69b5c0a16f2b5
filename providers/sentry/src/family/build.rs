//! `preprod_artifact` and `size_analysis`: Sentry measured a mobile build, or made it ready to
//! install.

use crate::facts::{Build, Comparison, Git, Project};
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Components of a build kept in the facts.
const COMPARISONS_MAX: usize = 20;

/// Reads a build.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let data = payload.object("/data")?;
    let facts = &mut outline.facts;
    facts.project = known(Project {
        id: data.short_id_opt("/projectId")?,
        slug: data.short_text_opt("/projectSlug")?,
        name: None,
    });
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
        id: data.ident("/buildId"),
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
        base_id: data.ident("/baseBuildId"),
        comparisons: comparisons(data),
        git: git(data),
    }
}

fn comparisons(data: &Payload<'_>) -> Vec<Comparison> {
    let entities = data.objects("/comparisons").take(COMPARISONS_MAX);
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
    known(Git {
        repository: data.name("/gitInfo/headRepoName"),
        branch: data.name("/gitInfo/headRef"),
        base_branch: data.name("/gitInfo/baseRef"),
        sha: data.name("/gitInfo/headSha"),
        pull_request: data.number("/gitInfo/prNumber"),
    })
}

/// `Build 72 size analysis completed (FAILED): MyApp 1.0`.
fn headline(build: &Build, outline: &Outline) -> String {
    let facts = &outline.facts;
    let what = match facts.resource.as_str() {
        "size_analysis" => "size analysis ",
        _ => "",
    };
    let id = build.id.as_deref().unwrap_or_default();
    let failed = facts.status.as_deref();
    let failed = aside(failed.filter(|status| *status != "COMPLETED"));
    let version = build.version.as_deref().unwrap_or_default();
    let app = build.name.as_deref().or(build.app_id.as_deref());
    let app = tail(": ", app.map(|app| format!("{app} {version}")));
    format!("Build {id} {what}{}{failed}{app}", facts.verb())
}
