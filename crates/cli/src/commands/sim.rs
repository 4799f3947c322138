//! `dawncast sim`: the WhatsApp Cloud API, simulated.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use dawncast_cloud_sim::{FaultProfile, SecondApp, SimConfig, Simulator, WABA_ID};
use tokio::time::{Instant, sleep};

use crate::{failure::Failure, output::say, signals};

/// How long a webhook may take to be there before its verification is given up.
const VERIFY_WITHIN: Duration = Duration::from_secs(30);
const VERIFY_AGAIN: Duration = Duration::from_millis(500);

/// Run a simulator of the WhatsApp Cloud API. It knows one account with numbers that count up from 100000000000001.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where it listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// How many numbers the account has.
    #[arg(long, default_value_t = 3)]
    numbers: usize,
    /// Over how many accounts the numbers are spread in turn.
    #[arg(long, default_value_t = 1)]
    wabas: usize,
    /// How long the review of a template takes.
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    review: Duration,
    /// Messages per second that each number accepts.
    #[arg(long, default_value_t = 80)]
    mps: u32,
    /// How long every call takes.
    #[arg(long, default_value = "50ms", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// Faults that come by themselves: none, realistic or harsh.
    #[arg(long, default_value = "none")]
    faults: FaultProfile,
    /// A JSON file of faults and events over time, played from the start.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Everything drawn by chance derives from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where webhooks go; without it none are sent.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Signs the webhooks.
    #[arg(long, default_value = "sim_app_secret")]
    app_secret: String,
    /// What the webhook is verified with.
    #[arg(long, default_value = "sim_verify")]
    verify_token: String,
    /// The access token that is valid.
    #[arg(long, default_value = "SIM_TOKEN")]
    token: String,
    /// Where webhooks of a second app go; both apps hear of everything.
    #[arg(long, value_name = "URL")]
    second_webhook: Option<String>,
    /// Signs the second app's webhooks.
    #[arg(long, default_value = "sim_app_secret_2", requires = "second_webhook")]
    second_app_secret: String,
    /// What the second app's webhook is verified with.
    #[arg(long, default_value = "sim_verify_2", requires = "second_webhook")]
    second_verify_token: String,
    /// The second app's access token.
    #[arg(long, default_value = "SIM_TOKEN_2", requires = "second_webhook")]
    second_token: String,
    /// Stop when standard input ends.
    #[arg(long, hide = true)]
    leash: bool,
}

impl From<Args> for SimConfig {
    fn from(args: Args) -> Self {
        let Args {
            listen,
            numbers,
            wabas,
            review,
            mps,
            latency,
            faults,
            scenario,
            seed,
            webhook,
            app_secret,
            verify_token,
            token,
            second_webhook,
            second_app_secret,
            second_verify_token,
            second_token,
            ..
        } = args;
        let second_app = second_webhook.map(|url| SecondApp {
            webhook: Some(url),
            app_secret: second_app_secret,
            verify_token: second_verify_token,
            token: second_token,
        });
        let (rules, receipts) = Default::default();
        Self {
            listen,
            numbers,
            wabas,
            review,
            mps,
            latency,
            faults,
            scenario,
            seed,
            webhook,
            app_secret,
            verify_token,
            token,
            second_app,
            rules,
            receipts,
        }
    }
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let stop = signals::stop_token(args.leash)?;
    let has_webhook = args.webhook.is_some();
    let simulator = Simulator::start(args.into()).await?;
    say(format!(
        "Graph API at {}, account {WABA_ID}, numbers {}",
        simulator.base_url(),
        simulator.numbers().join(", ")
    ));
    say(format!("What its phones show: {}/_sim/", simulator.base_url()));
    let verify = async {
        if has_webhook {
            verify(&simulator).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! { () = stop.cancelled() => (), () = verify => () }
    simulator.stop().await;
    Ok(())
}

/// As Meta does when a webhook is registered, only that this one may still be starting.
async fn verify(simulator: &Simulator) {
    let until = Instant::now() + VERIFY_WITHIN;
    loop {
        match simulator.verify_webhook().await {
            Ok(()) => return say("The webhook is verified."),
            Err(why) if Instant::now() > until => return eprintln!("warning: the webhook was not verified: {why}"),
            Err(_) => sleep(VERIFY_AGAIN).await,
        }
    }
}
