//! A question with yes and no.

use crate::world::{Echo, World};

/// Whether a person at the terminal agrees. Enter alone is a yes; nobody there, or no more typed, is no consent.
pub fn agreed(world: &World, question: &str) -> bool {
    let answer = world.person.ask(&format!("{question} [Y/n] "), Echo::Shown);
    answer.as_ref().and_then(|answer| answer.reveal_text()).is_some_and(is_yes)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_world::Fakes;

    #[test]
    fn no_answer_is_no_consent() {
        let fakes = Fakes::default();
        assert!(!agreed(&fakes.world(), "Now?"));
        for (typed, consent) in
            [("", true), ("y", true), (" Yes ", true), ("Y\r", true), ("n", false), ("no", false), ("yesterday", false)]
        {
            fakes.person.answers.borrow_mut().push_back(typed);
            assert_eq!(agreed(&fakes.world(), "Now?"), consent, "{typed:?}");
        }
        assert_eq!(fakes.person.questions.borrow()[0], ("Now? [Y/n] ".to_owned(), Echo::Shown));
    }
}
