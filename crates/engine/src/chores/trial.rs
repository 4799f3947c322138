//! What a run has shown of a version on trial, told when it is closed.

use dawncast_core::{
    report::Report,
    template::{Arm, Rotation},
};
use dawncast_store::run::{Origin, Run};
use tracing::info;

use super::Chores;
use crate::EngineError;

/// What became of the messages of one template.
fn arm(report: &Report, template: &str) -> Arm {
    let name = format!("template {template}");
    let mut arm = Arm::default();
    let own = report.by_message.iter().filter(|line| line.message == name);
    own.for_each(|line| arm.add(Arm::from(&line.part.totals)));
    arm
}

impl Chores {
    /// Lets the trial that a run took part in learn from it. *A scheduler dies before the run is closed, or two close it*: a run
    /// counts once.
    pub(super) async fn learn(&self, run: &Run, report: &Report) -> Result<(), EngineError> {
        let Some([tried, current]) = run.record.spec.message.on_trial().filter(|_| run.record.origin != Origin::Test)
        else {
            return Ok(());
        };
        let (store, now) = (&self.ctx.store, self.clock.now());
        let arms = [tried, current].map(|it| (it.name.as_str(), arm(report, &it.name)));
        for rotation in store.rotations().await? {
            let is_its = rotation.language == tried.language && rotation.trial.is_some();
            if !is_its {
                continue;
            }
            let learn = |it: &mut Rotation| it.learn(&run.record.id, arms, now);
            let (after, learnt) = store.change_rotation(&rotation.name, &rotation.language, learn).await?;
            let news = after.changes.last().filter(|_| learnt && after.changes.len() > rotation.changes.len());
            if let Some(why) = news.and_then(|change| change.why.as_deref()) {
                info!("template {} ({}): {why}", after.name, after.language);
            }
        }
        Ok(())
    }
}
