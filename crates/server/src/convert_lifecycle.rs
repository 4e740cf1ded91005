//! The lifecycle and the charter, as they go over the wire.

use edgewright_api as api;
use edgewright_engine::{
    lifecycle::{Lifecycle, Page, Progress},
    project::{CharterSection, Metric},
};

/// All stages.
pub fn lifecycle(of: Lifecycle) -> api::Lifecycle {
    api::Lifecycle {
        next: of.next.map(str::to_owned),
        stages: of
            .stages
            .into_iter()
            .map(|s| api::LifecycleStage {
                name: s.name.to_owned(),
                title: s.title.to_owned(),
                progress: match s.progress {
                    Progress::Done => api::Progress::Done,
                    Progress::Attention => api::Progress::Attention,
                    Progress::Open => api::Progress::Open,
                    Progress::Blocked => api::Progress::Blocked,
                },
                says: s.says,
                action: s.action.map(|a| api::LifecycleAction {
                    text: a.text,
                    page: page(a.page).to_owned(),
                    run_until: a.run_until.map(str::to_owned),
                }),
            })
            .collect(),
    }
}

fn page(page: Page) -> &'static str {
    match page {
        Page::Board => "board",
        Page::Data => "data",
        Page::Devices => "devices",
        Page::Impulse => "impulse",
        Page::Training => "training",
        Page::Test => "test",
        Page::Deploy => "deploy",
    }
}

/// The charter.
pub fn charter(of: &CharterSection) -> api::Charter {
    api::Charter {
        problem: of.problem.clone(),
        user: of.user.clone(),
        miss: of.miss.clone(),
        false_alarm: of.false_alarm.clone(),
        metric: of.metric.map(|m| m.name().to_owned()),
        metrics: Metric::ALL.iter().map(|m| m.name().to_owned()).collect(),
    }
}
