//! All messages of a campaign, ready to be rendered.

use crate::{
    campaign::{Choice, Message},
    fault::Faults,
};

use super::Renderer;

/// See the module.
#[derive(Debug)]
pub struct Renderers {
    all: Vec<Renderer>,
    attributes: Vec<String>,
}

impl Renderers {
    /// Prepares the messages of a campaign.
    ///
    /// # Errors
    /// The faults of all of them, as [`Renderer::compile`] finds them.
    pub fn compile(message: &Message) -> Result<Self, Faults> {
        let (mut faults, mut compiled) = (Faults::new(), Vec::new());
        for (choice, content) in message.all() {
            match Renderer::compile(content, choice.pointer()) {
                Ok(renderer) => compiled.push(renderer),
                Err(misfits) => faults.append(misfits),
            }
        }
        faults.into_result(())?;
        let mut attributes: Vec<_> = compiled.iter().flat_map(Renderer::attributes).cloned().collect();
        attributes.sort_unstable();
        attributes.dedup();
        Ok(Self { all: compiled, attributes })
    }

    /// The message of that choice, if the campaign has it.
    pub fn of(&self, choice: Choice) -> Option<&Renderer> {
        self.all.get(choice.place())
    }

    /// The attributes that any of them uses, sorted: a retry may send any.
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }
}
