//! What Outlook's servers answer, and what each answer means.
