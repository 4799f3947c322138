//! All messages of a campaign, ready to be rendered.

use crate::{
    campaign::{Choice, Message},
    fault::{Fault, Faults},
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
            match Renderer::compile_answering(content, message.context.as_ref(), choice.pointer()) {
                Ok(renderer) => compiled.push(renderer),
                // What all of them answer is told of once.
                Err(misfits) => {
                    let new = misfits.into_iter().filter(|fault| !faults.iter().any(|told| told == fault));
                    new.collect::<Vec<_>>()
                        .into_iter()
                        .for_each(|Fault { pointer, detail }| faults.add(pointer, detail));
                }
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
