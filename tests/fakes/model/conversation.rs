//! A request as both vendors mean it: who said what in which order.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::script::{Source, Step};

pub enum Turn {
    /// Text of the user.
    User(String),
    /// What tools gave back.
    Results(Vec<String>),
    /// Something that the model said, however many parts it has.
    Model,
}

pub struct Conversation {
    pub model: String,
    pub stream: bool,
    /// Names of the tools that it may call.
    pub tools: Vec<String>,
    /// The agent's working folder, where the request says it.
    pub folder: Option<String>,
    pub turns: Vec<Turn>,
}

/// The step that answers a request.
pub struct Chosen {
    pub step: Step,
    pub number: usize,
    pub from: String,
    /// The same for every request of one message, in every process.
    pub key: u64,
}

impl Conversation {
    /// Adds a turn; what the model says in one go is one turn.
    pub fn push(&mut self, turn: Turn) {
        if !matches!((&turn, self.turns.last()), (Turn::Model, Some(Turn::Model))) {
            self.turns.push(turn);
        }
    }

    /// The step of the newest user message that has a script.
    pub fn choose(&self, source: &Source) -> Result<Chosen, String> {
        let mut number = 0;
        for turn in self.turns.iter().rev() {
            let text = match turn {
                Turn::Model => {
                    number += 1;
                    continue;
                }
                Turn::Results(_) => continue,
                Turn::User(text) => text,
            };
            let Some(mut found) = source.find(text)? else { continue };
            if number >= found.steps.len() {
                return Err(format!("the script ({}) has no step {number}", found.from));
            }
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            let step = found.steps.swap_remove(number);
            return Ok(Chosen { step, number, from: found.from, key: hasher.finish() });
        }
        Err("no message of this conversation has a script".to_owned())
    }

    /// How often the model has spoken.
    pub fn model_turns(&self) -> usize {
        self.turns.iter().filter(|t| matches!(t, Turn::Model)).count()
    }

    /// What the tools of the last turn gave back.
    pub fn last_results(&self) -> &[String] {
        match self.turns.last() {
            Some(Turn::Results(texts)) => texts,
            _ => &[],
        }
    }
}
