//! What people ask of `outlook-sendmail` besides sending.
