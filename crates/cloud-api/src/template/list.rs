//! Listing templates.

use super::{TemplateCategory, TemplateInfo, TemplateStatus};
use crate::{
    CallError, Client, Quality, Token,
    paging::{Page, Pages},
};

pub(super) const FIELDS: &str =
    "id,name,language,status,category,parameter_format,components,quality_score,rejected_reason";
/// Templates per page. An account holds 250 templates, or 6,000 once verified (Meta: templates).
const PAGE: &str = "100";

/// Which templates are listed; what is `None` filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateFilter {
    /// Of exactly this name, in all its languages.
    pub name: Option<String>,
    /// With this text in the name or in the body.
    pub name_or_content: Option<String>,
    /// In this locale, such as `en_US`.
    pub language: Option<String>,
    /// Of this category.
    pub category: Option<TemplateCategory>,
    /// Of this status.
    pub status: Option<TemplateStatus>,
    /// Rated so.
    pub quality: Option<Quality>,
}

impl TemplateFilter {
    fn query(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let given = [
            ("name", self.name.as_deref()),
            ("name_or_content", self.name_or_content.as_deref()),
            ("language", self.language.as_deref()),
            ("category", self.category.as_ref().map(TemplateCategory::as_str)),
            ("status", self.status.as_ref().map(TemplateStatus::as_str)),
            ("quality_score", self.quality.as_ref().map(Quality::as_str)),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// Meta's name filter also finds longer names.
    fn fits(&self, template: &TemplateInfo) -> bool {
        self.name.as_ref().is_none_or(|name| template.name == *name)
    }
}

/// A page of templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplatePage {
    /// Those of the page.
    pub templates: Vec<TemplateInfo>,
    /// The cursor of the next page; `None` on the last.
    pub after: Option<String>,
}

impl Client {
    /// Lists the templates of a WhatsApp Business Account, all pages; with `name` only those of exactly that name, in
    /// all their languages.
    ///
    /// # Errors
    /// As any call; [`CallError::Malformed`] also when paging does not advance.
    pub async fn templates(
        &self,
        waba_id: &str,
        token: &Token,
        name: Option<&str>,
    ) -> Result<Vec<TemplateInfo>, CallError> {
        let filter = TemplateFilter { name: name.map(str::to_owned), ..TemplateFilter::default() };
        self.templates_where(waba_id, token, &filter).await
    }

    /// Lists the templates that pass a filter, all pages.
    ///
    /// # Errors
    /// As [`Client::templates`].
    pub async fn templates_where(
        &self,
        waba_id: &str,
        token: &Token,
        filter: &TemplateFilter,
    ) -> Result<Vec<TemplateInfo>, CallError> {
        let mut pages = Pages::new();
        while pages.add(self.read_templates(waba_id, token, filter, pages.after(), PAGE).await?)? {}
        pages.found.retain(|template| filter.fits(template));
        Ok(pages.found)
    }

    /// One page of the templates that pass a filter: the first, or the one after a cursor. `limit` is how many it holds, 25 where
    /// there is none.
    ///
    /// # Errors
    /// [`CallError::Api`] with 131059 for a cursor that Meta does not know any more: begin anew.
    pub async fn template_page(
        &self,
        waba_id: &str,
        token: &Token,
        filter: &TemplateFilter,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<TemplatePage, CallError> {
        let limit = limit.unwrap_or(25).to_string();
        let (mut templates, after) = self.read_templates(waba_id, token, filter, after, &limit).await?.following();
        templates.retain(|template| filter.fits(template));
        Ok(TemplatePage { templates, after })
    }

    async fn read_templates(
        &self,
        waba_id: &str,
        token: &Token,
        filter: &TemplateFilter,
        after: Option<&str>,
        limit: &str,
    ) -> Result<Page<TemplateInfo>, CallError> {
        let filters: Vec<_> = filter.query().chain(after.map(|after| ("after", after))).collect();
        let request = self.get(&[waba_id, "message_templates"], token).query(&[("fields", FIELDS), ("limit", limit)]);
        self.call(request.query(&filters)).await
    }
}
