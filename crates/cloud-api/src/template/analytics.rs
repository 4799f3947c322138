//! How templates fare: their counts by day, and two of them side by side.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{CallError, Client, Token, call::Data, open_enum::open_enum};

/// The most templates of one question (Meta: template analytics).
const TEMPLATES: usize = 10;

/// What is asked of the counts of templates. All times are in seconds since 1970, days in UTC; Meta looks back 90 days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalyticsQuery<'a> {
    /// Their ids, ten at most.
    pub template_ids: &'a [String],
    /// The first day.
    pub start: i64,
    /// The end of the last day.
    pub end: i64,
    /// Such as `SENT`, `DELIVERED`, `READ`, `CLICKED`, `COST`; empty for all.
    pub metrics: &'a [&'a str],
}

open_enum! {
    /// By which endpoint messages went.
    TemplateProduct {
        /// `POST /messages`.
        CloudApi = "CLOUD_API",
        /// `POST /marketing_messages`.
        MarketingMessages = "MARKETING_MESSAGES_API_FOR_WHATSAPP",
    }
}

/// The counts of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateAnalytics {
    /// `DAILY`.
    #[serde(default)]
    pub granularity: Option<String>,
    /// Which endpoint.
    #[serde(default)]
    pub product_type: Option<TemplateProduct>,
    /// One for each template and day.
    #[serde(default)]
    pub data_points: Vec<TemplateDay>,
}

/// One template on one day. What was not asked for, or is not told, is `None` or empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateDay {
    /// Which template.
    pub template_id: String,
    /// The beginning of the day.
    pub start: i64,
    /// Its end.
    pub end: i64,
    /// Accepted messages.
    #[serde(default)]
    pub sent: Option<u64>,
    /// Delivered ones.
    #[serde(default)]
    pub delivered: Option<u64>,
    /// Read ones, within seven days.
    #[serde(default)]
    pub read: Option<u64>,
    /// Clicks on each button, within seven days.
    #[serde(default)]
    pub clicked: Vec<Clicks>,
    /// Amounts, as `amount_spent`, `cost_per_delivered`, `cost_per_url_button_click`, in the account's currency.
    #[serde(default)]
    pub cost: Vec<Cost>,
}

/// Clicks on one button.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Clicks {
    /// `quick_reply_button`, `url_button` or `unique_url_button`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its label.
    #[serde(default)]
    pub button_content: Option<String>,
    /// How many.
    #[serde(default)]
    pub count: u64,
}

/// One amount, kept as Meta writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Cost {
    /// Which.
    #[serde(rename = "type")]
    pub kind: String,
    /// How much; none where there was nothing to pay for.
    #[serde(default)]
    pub value: Option<serde_json::Number>,
}

/// Two templates side by side (Meta: template comparison).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateComparison {
    /// The ids, from the one that users blocked least to the other.
    pub by_block_rate: Vec<String>,
    /// Messages sent, by id.
    pub sends: BTreeMap<String, u64>,
    /// Why most users blocked, by id, such as `NO_LONGER_NEEDED`.
    pub top_block_reason: BTreeMap<String, String>,
}

/// The days that a comparison reaches back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonWindow {
    /// 7 days.
    Week,
    /// 30 days.
    Month,
    /// 60 days.
    TwoMonths,
    /// 90 days.
    Quarter,
}

impl ComparisonWindow {
    const fn seconds(self) -> i64 {
        86_400
            * match self {
                Self::Week => 7,
                Self::Month => 30,
                Self::TwoMonths => 60,
                Self::Quarter => 90,
            }
    }
}

#[derive(Deserialize)]
pub(crate) struct Metric {
    metric: String,
    #[serde(default)]
    order_by_relative_metric: Vec<String>,
    #[serde(default)]
    number_values: Vec<Pair<u64>>,
    #[serde(default)]
    string_values: Vec<Pair<String>>,
}

#[derive(Deserialize)]
struct Pair<T> {
    key: String,
    value: T,
}

fn pairs<T>(values: Vec<Pair<T>>) -> BTreeMap<String, T> {
    values.into_iter().map(|pair| (pair.key, pair.value)).collect()
}

impl From<Vec<Metric>> for TemplateComparison {
    fn from(metrics: Vec<Metric>) -> Self {
        let mut comparison = Self::default();
        for metric in metrics {
            match metric.metric.as_str() {
                "BLOCK_RATE" => comparison.by_block_rate = metric.order_by_relative_metric,
                "MESSAGE_SENDS" => comparison.sends = pairs(metric.number_values),
                "TOP_BLOCK_REASON" => comparison.top_block_reason = pairs(metric.string_values),
                _ => {}
            }
        }
        comparison
    }
}

impl Client {
    /// Compares two templates of one account over the days before `end` (seconds since 1970). Each needs 1,000 sends in them (Meta:
    /// template comparison).
    ///
    /// # Errors
    /// [`CallError::Api`] with code 100 where one was sent too seldom or is of another account.
    pub async fn compare_templates(
        &self,
        id: &str,
        other: &str,
        token: &Token,
        window: ComparisonWindow,
        end: i64,
    ) -> Result<TemplateComparison, CallError> {
        let (start, end) = ((end - window.seconds()).to_string(), end.to_string());
        let others = format!("[{other}]");
        let asked = [("template_ids", others.as_str()), ("start", &start), ("end", &end)];
        let request = self.get(&[id, "compare"], token).query(&asked);
        Ok(self.call::<Data<Vec<Metric>>>(request).await?.data.into())
    }

    /// The counts of templates by day. The account has to have template insights on, which cannot be taken back: see
    /// [`Client::enable_insights`]. Not for accounts of the EU, the UK and Japan (Meta: template analytics).
    ///
    /// # Errors
    /// [`CallError::Invalid`] for no or more than ten templates; [`CallError::Api`] with 200005 to 200007 where insights are not on or
    /// not to be had.
    pub async fn template_analytics(
        &self,
        waba_id: &str,
        token: &Token,
        query: &AnalyticsQuery<'_>,
    ) -> Result<Vec<TemplateAnalytics>, CallError> {
        if !(1..=TEMPLATES).contains(&query.template_ids.len()) {
            return Err(CallError::Invalid(format!("counts are told of 1 to {TEMPLATES} templates at once")));
        }
        let (start, end) = (query.start.to_string(), query.end.to_string());
        let ids = format!("[{}]", query.template_ids.join(","));
        let asked = [("start", start.as_str()), ("end", &end), ("granularity", "DAILY"), ("template_ids", &ids)];
        let metrics = query.metrics.join(",");
        let metrics = (!metrics.is_empty()).then_some([("metric_types", metrics)]);
        let request = self.get(&[waba_id, "template_analytics"], token).query(&asked).query(&metrics);
        Ok(self.call::<Data<_>>(request).await?.data)
    }

    /// Turns template insights of an account on, **for good**: Meta has no way back (Meta: template analytics).
    ///
    /// # Errors
    /// As any call.
    pub async fn enable_insights(&self, waba_id: &str, token: &Token) -> Result<(), CallError> {
        let request = self.post_to(waba_id, token).query(&[("is_enabled_for_insights", "true")]);
        self.call::<Value>(request).await.map(drop)
    }
}
