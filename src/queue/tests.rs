//! The outbox cut off at every step it takes on the disk, and the order and pace of its runs.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use tempfile::TempDir;

use super::entry::{Id, Part, State, part};
use super::store::Store;
use super::*;
use crate::account::Account;
use crate::attempt::Attempt;
use crate::envelope::Stamp;
use crate::fake_world::FolderOnDisk;
use crate::fake_world::{Fakes, START};
use crate::invocation::Submit;
use crate::message::{Body, Field, Message};
use crate::outcome::Taken;
use crate::outcome::{Receipt, RefusedRecipient};
use crate::report::Story;
use crate::service::{Duplicate, Pace, Submission};
use crate::submission::Custody;
use crate::words::Words;
use crate::world::{Caller, Clock as _, FileFault, Files, Locked, Lying, OutboxFile, OutboxFolder, Readers, World};

const CONFIG: &str = "[accounts.me]\naddress = \"me@outlook.com\"\non_failure = \"keep\"\n";

struct Configured(String);

impl Files for Configured {
    fn read(&self, _: &Path) -> Result<Option<Vec<u8>>, FileFault> {
        Ok(Some(self.0.clone().into_bytes()))
    }
    fn read_alias_include(&self, _: &Path) -> Result<Vec<u8>, FileFault> {
        Err(FileFault::NotRegular)
    }
    fn write(&self, _: &Path, _: &[u8], _: Readers) -> Result<(), FileFault> {
        Err(FileFault::NotRegular)
    }
}

/// In memory where there is such a folder: thousands of fsyncs.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A machine with an outbox.
struct Machine {
    fakes: Fakes,
    state: TempDir,
    world: World,
}

impl Machine {
    fn new() -> Self {
        let state = scratch();
        let fakes = Fakes::default();
        let mut world = fakes.world();
        world.files = Box::new(Configured(CONFIG.to_owned()));
        world.outbox = Box::new(FolderOnDisk::new(state.path()));
        world.places.state = state.path().to_owned();
        Self { fakes, state, world }
    }

    fn deliver(&self, request: Submission, attempt: &Attempt<'_>) -> Result<Taken, Failure> {
        deliver(&self.world, request, &mut Story::default(), &mut PresentCaller, attempt)
    }

    fn states(&self) -> Vec<State> {
        let store = Store::new(&*self.world.outbox);
        store.shelf().unwrap().messages.iter().map(|(name, _)| store.progress(name).state).collect()
    }

    /// Sends all it can; the subjects of what went out.
    fn run(&self, pace: Pace) -> Vec<String> {
        let sent = RefCell::new(Vec::new());
        run_queue(&self.world, pace, &sending(&sent)).unwrap();
        sent.into_inner()
    }

    fn wait(&self, seconds: u64) {
        self.fakes.clock.sleep(Duration::from_secs(seconds));
    }

    fn files(&self) -> usize {
        fs::read_dir(self.state.path().join("outbox")).map_or(0, Iterator::count)
    }
}

fn request(subject: &str, more: &[(&str, &str)]) -> Submission {
    let mut fields = vec![Field::new("To", "a@example.org"), Field::new("Subject", subject)];
    fields.extend(more.iter().map(|(name, value)| Field::new(name, *value)));
    Submission {
        caller: Caller::default(),
        submit: Submit { operands: vec![b"a@example.org".to_vec()], ..Submit::default() },
        stamp: Stamp { now: UNIX_EPOCH, utc_offset: 0, unique: [7; 16] },
        message: Message { fields, body: Body::from_memory(b"Text.\r\n".to_vec()) },
    }
}

fn subject(request: &Submission) -> String {
    let field = request.message.fields.iter().find(|field| field.is("Subject")).unwrap();
    String::from_utf8(field.unfolded().trim_ascii().to_vec()).unwrap()
}

fn receipt() -> Receipt {
    Receipt::new(Words::from("2.0.0 OK"))
}

/// An attempt that succeeds.
fn sending(
    sent: &RefCell<Vec<String>>,
) -> impl Fn(&World, &Account, Submission, &mut dyn Custody, &mut Story) -> Result<Receipt, Failure> {
    |_, _, request, held, _| {
        held.sending()?;
        sent.borrow_mut().push(subject(&request));
        Ok(receipt())
    }
}

fn failure(cause: Cause) -> Failure {
    Failure::new(Stage::Submission, cause, "said so")
}

/// An attempt that ends before any content.
fn failing(
    cause: Cause,
) -> impl Fn(&World, &Account, Submission, &mut dyn Custody, &mut Story) -> Result<Receipt, Failure> {
    move |_, _, _, _, _| Err(failure(cause))
}

// -- cut off at every step

/// The disk after one step.
struct Snapshot {
    step: String,
    copy: TempDir,
    /// Whether content was on its way.
    content: bool,
    /// Whether the caller had been told that the message is taken care of.
    promised: bool,
}

/// What is recorded, and what has happened so far.
#[derive(Default)]
struct Film {
    folder: RefCell<Option<std::path::PathBuf>>,
    snapshots: RefCell<Vec<Snapshot>>,
    content: Cell<bool>,
    promised: Cell<bool>,
}

impl Film {
    fn take(&self, step: &str) {
        let copy = scratch();
        let (from, to) = (self.folder.borrow().clone().unwrap(), copy.path().join("outbox"));
        fs::create_dir(&to).unwrap();
        fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(from).into_iter().flatten() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            // As old as a leftover has to be to be swept away.
            let file = fs::File::options().write(true).open(to.join(entry.file_name())).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(START - 7200)).unwrap();
        }
        let (content, promised) = (self.content.get(), self.promised.get());
        self.snapshots.borrow_mut().push(Snapshot { step: step.to_owned(), copy, content, promised });
    }
}

/// The real folder, filmed after every write, fsync, rename and removal.
struct Filmed {
    folder: FolderOnDisk,
    film: Rc<Film>,
}

impl OutboxFolder for Filmed {
    fn owner(&self) -> u32 {
        self.folder.owner()
    }
    fn list(&self) -> io::Result<Vec<Lying>> {
        self.folder.list()
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn OutboxFile>> {
        let file = self.folder.create(name)?;
        self.film.take(&format!("create {name}"));
        Ok(Box::new(FilmedFile { file, film: Rc::clone(&self.film) }))
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn OutboxFile>> {
        self.folder.open(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)?;
        self.film.take(&format!("rename {from} {to}"));
        Ok(())
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)?;
        self.film.take(&format!("remove {name}"));
        Ok(())
    }
    fn sync(&self) -> io::Result<()> {
        self.film.take("sync the folder");
        self.folder.sync()
    }
}

struct FilmedFile {
    file: Box<dyn OutboxFile>,
    film: Rc<Film>,
}

impl Read for FilmedFile {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.file.read(room)
    }
}
impl Write for FilmedFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // In halves, so that a file cut off in the middle is among what is restarted from.
        let half = (octets.len() / 2).max(1).min(octets.len());
        let written = self.file.write(&octets[..half])?;
        self.film.take("write");
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
impl Seek for FilmedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
impl OutboxFile for FilmedFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.film.take("sync a file");
        Ok(())
    }
    fn lock(&self) -> Locked {
        self.file.lock()
    }
}

/// How the attempt that is filmed ends.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Ending {
    /// Before any content.
    Unsent(Cause),
    /// After content.
    Refused(Cause),
    Sent,
    SentToSome,
}

impl Ending {
    fn happen(self, held: &mut dyn Custody, film: &Film) -> Result<Receipt, Failure> {
        if let Self::Unsent(cause) = self {
            return Err(failure(cause));
        }
        held.sending()?;
        film.content.set(true);
        film.take("content");
        match self {
            Self::Unsent(cause) | Self::Refused(cause) => {
                // The server said that it has nothing.
                film.content.set(cause == Cause::PerhapsSent);
                Err(failure(cause))
            }
            Self::Sent => Ok(receipt()),
            Self::SentToSome => {
                let address = "b@example.org".parse().unwrap();
                let refused = RefusedRecipient { address, cause: Cause::RecipientRefused, words: Words::from("550") };
                Ok(Receipt { refused: vec![refused], ..receipt() })
            }
        }
    }
}

/// Restarts from every snapshot and runs the queue twice.
fn restart_everywhere(film: &Film, ending: Ending) {
    let snapshots = film.snapshots.borrow();
    assert!(snapshots.len() > 5, "{ending:?}: nothing was filmed");
    for Snapshot { step, copy, content, promised } in snapshots.iter() {
        let mut machine = Machine::new();
        machine.world.outbox = Box::new(FolderOnDisk::new(copy.path()));
        let fresh = |name: &str| matches!(part(name), Some(Part::Draft));
        let sent: Vec<_> = [machine.run(Pace::Everything), machine.run(Pace::Everything)].concat();
        let ours = sent.iter().filter(|subject| *subject == "filmed").count();
        let place = format!("{ending:?} after {step}: {sent:?}, {:?}", machine.states());
        assert!(ours <= 1, "{place}");
        if *content {
            assert_eq!(ours, 0, "what may have been sent is sent again: {place}");
        }
        let listed = machine.states().iter().any(|state| matches!(state, State::PerhapsSent | State::Failed));
        if *promised {
            assert!(ours == 1 || listed || *content, "lost: {place}");
        }
        if *promised && matches!(ending, Ending::Unsent(Cause::Unreachable) | Ending::Refused(Cause::Deferred)) {
            let is_settled = step == "the exit status" || step == "the end" || step == "nothing yet";
            assert!(ours == 1 || !is_settled, "kept and not sent: {place}");
        }
        let left = Store::new(&*machine.world.outbox).shelf().unwrap();
        assert!(left.odd.is_empty(), "{place}");
        let names = fs::read_dir(copy.path().join("outbox")).unwrap();
        assert!(!names.flatten().any(|entry| fresh(&entry.file_name().to_string_lossy())), "a draft is left: {place}");
    }
}

const ENDINGS: [Ending; 7] = [
    Ending::Unsent(Cause::Unreachable),
    Ending::Unsent(Cause::Refused),
    Ending::Refused(Cause::Deferred),
    Ending::Refused(Cause::ContentRefused),
    Ending::Refused(Cause::PerhapsSent),
    Ending::Sent,
    Ending::SentToSome,
];

fn filmed() -> (Machine, Rc<Film>) {
    let mut machine = Machine::new();
    let film = Rc::new(Film::default());
    *film.folder.borrow_mut() = Some(machine.state.path().join("outbox"));
    let folder = FolderOnDisk::new(machine.state.path());
    machine.world.outbox = Box::new(Filmed { folder, film: Rc::clone(&film) });
    (machine, film)
}

#[test]
fn a_message_cut_off_at_any_step_is_neither_lost_nor_sent_twice() {
    for ending in ENDINGS {
        let (machine, film) = filmed();
        let verdict = machine.deliver(request("filmed", &[]), &|_, _, _, held, _| ending.happen(held, &film));
        film.promised.set(verdict.is_ok());
        film.take("the exit status");
        let states = machine.states();
        match ending {
            Ending::Unsent(Cause::Unreachable) | Ending::Refused(Cause::Deferred) => {
                assert!(matches!(verdict, Ok(Taken::Kept { .. })) && states == [State::Waiting], "{verdict:?}");
            }
            Ending::Refused(Cause::PerhapsSent) => assert!(verdict.is_err() && states == [State::PerhapsSent]),
            Ending::SentToSome => assert!(verdict.is_ok() && states == [State::Failed]),
            Ending::Sent => assert!(verdict.is_ok() && machine.files() == 0),
            Ending::Unsent(_) | Ending::Refused(_) => assert!(verdict.is_err() && machine.files() == 0),
        }
        restart_everywhere(&film, ending);
    }
}

#[test]
fn a_message_cut_off_while_it_is_tried_again_is_neither_lost_nor_sent_twice() {
    for ending in ENDINGS {
        let (machine, film) = filmed();
        machine.deliver(request("filmed", &[]), &failing(Cause::Unreachable)).unwrap();
        film.snapshots.borrow_mut().clear();
        film.promised.set(true);
        film.take("nothing yet");
        run_queue(&machine.world, Pace::Everything, &|_, _, request, held, _| {
            if subject(&request) != "filmed" {
                return Err(failure(Cause::Unreachable));
            }
            ending.happen(held, &film)
        })
        .unwrap();
        film.take("the end");
        restart_everywhere(&film, ending);
    }
}

#[test]
fn what_root_left_is_taken_over_once_wherever_it_is_cut_off() {
    let (machine, film) = filmed();
    let spool = scratch();
    let mut roots = Fakes::default().world();
    roots.incoming = Box::new(FolderOnDisk::new(spool.path()));
    leave_for_broker(&roots, request("filmed", &[]), failure(Cause::NoAccount)).unwrap();
    assert_eq!(Store::new(&*roots.incoming).shelf().unwrap().messages.len(), 1);
    let mut world = machine.world;
    world.incoming = Box::new(FolderOnDisk::new(spool.path()));
    let left = scratch();
    fs::create_dir(left.path().join("outbox")).unwrap();
    for entry in fs::read_dir(spool.path().join("outbox")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), left.path().join("outbox").join(entry.file_name())).unwrap();
    }
    adopt(&world).unwrap();
    assert_eq!(Store::new(&*world.incoming).shelf().unwrap().messages.len(), 0);
    assert!(film.snapshots.borrow().len() > 5);
    let copies = film.snapshots.borrow();
    // Whoever runs the queue next has looked at root's drop before, or looks first.
    for (snapshot, looks_first) in copies.iter().flat_map(|snapshot| [(snapshot, true), (snapshot, false)]) {
        // Root's file is there until the very last step.
        let incoming = scratch();
        fs::create_dir(incoming.path().join("outbox")).unwrap();
        for entry in fs::read_dir(left.path().join("outbox")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), incoming.path().join("outbox").join(entry.file_name())).unwrap();
        }
        let mut again = Machine::new();
        again.world.outbox = Box::new(FolderOnDisk::new(snapshot.copy.path()));
        again.world.incoming = Box::new(FolderOnDisk::new(incoming.path()));
        if looks_first {
            adopt(&again.world).unwrap();
        }
        let mut sent = again.run(Pace::Everything);
        adopt(&again.world).unwrap();
        sent.extend(again.run(Pace::Everything));
        assert_eq!(sent, ["filmed"], "{} {looks_first}", snapshot.step);
    }
}

#[test]
fn auto_asks_for_a_terminal_of_the_callers() {
    let mut machine = Machine::new();
    machine.world.files = Box::new(Configured(CONFIG.replace("keep", "auto")));
    let owner = machine.world.outbox.owner();
    for (uid, kept) in [(owner, false), (owner + 1, true)] {
        let mut request = request("a", &[]);
        request.caller.uid = uid;
        // There is one in this world.
        assert_eq!(machine.deliver(request, &failing(Cause::Unreachable)).is_ok(), kept, "{uid}");
    }
    assert_eq!(machine.states(), [State::Waiting]);
}

#[test]
fn a_client_that_hung_up_after_custody_loses_no_refusal() {
    struct HungUp(Cell<usize>);
    impl Client for HungUp {
        fn in_custody(&mut self) {
            self.0.set(self.0.get() + 1);
        }
        fn sending(&mut self) {}
        fn hears(&mut self, _: &Failure) -> bool {
            false
        }
    }
    let machine = Machine::new();
    let mut client = HungUp(Cell::new(0));
    let verdict =
        deliver(&machine.world, request("a", &[]), &mut Story::default(), &mut client, &|_, _, _, held, _| {
            held.sending()?;
            held.sending()?;
            Err(failure(Cause::ContentRefused))
        });
    assert!(verdict.is_err() && client.0.get() == 1);
    assert_eq!(machine.states(), [State::Failed]);
}

// -- order and pace

#[test]
fn new_mail_goes_first_and_what_piled_up_goes_one_a_minute() {
    let machine = Machine::new();
    for subject in ["old 1", "old 2", "old 3"] {
        machine.deliver(request(subject, &[]), &failing(Cause::Deferred)).unwrap();
        machine.wait(1);
    }
    for subject in ["new 1", "new 2"] {
        keep_unsent(&machine.world, request(subject, &[]), &mut PresentCaller, failure(Cause::NoAccount)).unwrap();
        machine.wait(1);
    }
    machine.wait(600);
    machine.fakes.clock.slept.borrow_mut().clear();
    assert_eq!(machine.run(Pace::Due), ["new 1", "new 2", "old 1", "old 2", "old 3"]);
    assert_eq!(*machine.fakes.clock.slept.borrow(), [60, 60]);
    assert_eq!(machine.files(), 0);
}

#[test]
fn what_is_not_due_waits_unless_a_person_asks() {
    let machine = Machine::new();
    machine.deliver(request("a", &[]), &failing(Cause::Unreachable)).unwrap();
    assert_eq!(machine.run(Pace::Due), [""; 0]);
    assert_eq!(machine.run(Pace::Everything), ["a"]);
}

#[test]
fn a_thread_keeps_its_order_and_others_pass_it() {
    let machine = Machine::new();
    machine.deliver(request("first", &[("Message-ID", "<1@x>")]), &failing(Cause::Deferred)).unwrap();
    machine.wait(1);
    let reply = [("Message-ID", "<2@x>"), ("In-Reply-To", "<1@x>"), ("References", "<1@x>")];
    let sent = RefCell::new(Vec::new());
    let kept = machine.deliver(request("second", &reply), &sending(&sent)).unwrap();
    assert!(matches!(kept, Taken::Kept { why, .. } if why.cause == Cause::WaitsInOrder));
    machine.deliver(request("other", &[("Message-ID", "<9@x>")]), &sending(&sent)).unwrap();
    assert_eq!(*sent.borrow(), ["other"]);
    // The first of them is refused for now once more: the second does not pass it.
    run_queue(&machine.world, Pace::Everything, &failing(Cause::Deferred)).unwrap();
    assert_eq!(machine.states(), [State::Waiting, State::Waiting]);
    assert_eq!(machine.run(Pace::Everything), ["first", "second"]);
}

#[test]
fn a_thread_waits_for_its_first_message_while_another_process_is_at_it() {
    let machine = Machine::new();
    machine.deliver(request("first", &[("Message-ID", "<1@x>")]), &failing(Cause::Deferred)).unwrap();
    machine.wait(1);
    machine.deliver(request("second", &[("References", "<1@x>")]), &failing(Cause::Deferred)).unwrap();
    let store = Store::new(&*machine.world.outbox);
    let name = store.shelf().unwrap().messages[0].0.clone();
    let busy = store.open(&name).unwrap();
    assert_eq!(machine.run(Pace::Everything), [""; 0]);
    drop(busy);
    assert_eq!(machine.run(Pace::Everything), ["first", "second"]);
}

/// As a full disk has it.
struct Full;

impl crate::world::Spools for Full {
    fn spool(&self) -> Box<dyn crate::world::Spool> {
        Box::new(Full)
    }
}

impl Read for Full {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_message_waits_for_room_to_read_it_back() {
    let mut machine = Machine::new();
    machine.deliver(request("waits", &[]), &failing(Cause::Deferred)).unwrap();
    let roomy = std::mem::replace(&mut machine.world.spools, Box::new(Full));
    assert_eq!(machine.run(Pace::Everything), [""; 0]);
    assert_eq!(machine.states(), [State::Waiting]);
    assert!(machine.fakes.paper.log.borrow().contains("no room for the message"));
    machine.world.spools = roomy;
    assert_eq!(machine.run(Pace::Everything), ["waits"]);
}

#[test]
fn what_was_cut_off_is_told_to_the_log_once() {
    let machine = Machine::new();
    let cut_off = |_: &World, _: &Account, _: Submission, held: &mut dyn Custody, _: &mut Story| {
        held.sending()?;
        Err(failure(Cause::Deferred))
    };
    machine.deliver(request("cut off", &[]), &cut_off).unwrap();
    let store = Store::new(&*machine.world.outbox);
    let name = store.shelf().unwrap().messages[0].0.clone();
    // As after a kill during the first attempt.
    machine.world.outbox.remove(&name.progress()).unwrap();
    for _ in 0..3 {
        machine.run(Pace::Everything);
    }
    assert_eq!(machine.states(), [State::PerhapsSent]);
    let log = machine.fakes.paper.log.borrow().clone();
    assert_eq!(log.matches("ended while it was being sent").count(), 1, "{log}");
    assert_eq!(store.progress(&name).attempts, 1);
}

#[test]
fn an_account_that_does_not_work_is_tried_once_a_run() {
    let machine = Machine::new();
    for subject in ["a", "b", "c"] {
        machine.deliver(request(subject, &[]), &failing(Cause::Unreachable)).unwrap();
        machine.wait(1);
    }
    let tries = Cell::new(0);
    run_queue(&machine.world, Pace::Everything, &|_, _, _, _, _| {
        tries.set(tries.get() + 1);
        Err(failure(Cause::Unreachable))
    })
    .unwrap();
    assert_eq!((tries.get(), machine.states()), (1, vec![State::Waiting; 3]));
}

#[test]
fn five_days_are_enough_and_it_is_told_once() {
    let machine = Machine::new();
    machine.deliver(request("late", &[]), &failing(Cause::Unreachable)).unwrap();
    machine.wait(5 * 24 * 3600 + 1);
    let told = machine.run(Pace::Due);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("1 message could not be sent from"), "{told:?}");
    assert_eq!(machine.states(), [State::Failed]);
    assert!(machine.fakes.paper.log.borrow().contains("waited for five days"), "{}", machine.fakes.paper.log.borrow());
    assert_eq!(machine.run(Pace::Everything), [""; 0]);
    let list = list(&machine.world, Viewer::Everybody).unwrap();
    assert!(list.contains("(failed: waited for five days") && list.contains("said so"), "{list}");
}

#[test]
fn a_summary_that_fails_is_not_told_of() {
    let machine = Machine::new();
    machine.deliver(request("late", &[]), &failing(Cause::Unreachable)).unwrap();
    machine.wait(6 * 24 * 3600);
    run_queue(&machine.world, Pace::Due, &failing(Cause::Refused)).unwrap();
    assert_eq!(machine.states(), [State::Failed, State::Failed]);
    assert_eq!(machine.run(Pace::Everything), [""; 0]);
}

// -- people

#[test]
fn users_of_a_shared_outbox_see_their_own() {
    let machine = Machine::new();
    // In one millisecond and with the same chance: their ids differ all the same.
    for uid in [33, 1000] {
        let mut request = request(&format!("of {uid}"), &[]);
        request.caller.uid = uid;
        machine.deliver(request, &failing(Cause::Unreachable)).unwrap();
    }
    let both = Tally { waiting: 2, ..Tally::default() };
    assert_eq!(tally(&machine.world, Viewer::Everybody).unwrap(), both);
    assert_eq!(tally(&machine.world, Viewer::User(33)).unwrap().waiting, 1);
    let shelf = Store::new(&*machine.world.outbox).shelf().unwrap();
    let id = |uid: u32| shelf.messages.iter().find(|it| it.0.uid == uid).unwrap().0.id.as_str().to_owned();
    let seen = list(&machine.world, Viewer::User(33)).unwrap();
    assert!(seen.contains(&id(33)) && !seen.contains(&id(1000)) && seen.contains("Total: 1,"), "{seen}");
    assert!(list(&machine.world, Viewer::User(7)).unwrap().starts_with("Mail queue is empty\n"));
    let theirs = show(&machine.world, Viewer::User(33), &id(1000)).unwrap_err();
    assert_eq!(theirs.cause, Cause::UnknownMessage);
    assert_eq!(drop_message(&machine.world, Viewer::User(33), &id(1000)).unwrap_err().cause, Cause::UnknownMessage);
    let shown = show(&machine.world, Viewer::User(33), &id(33)).unwrap();
    assert!(shown.contains("Subject: of 33") && shown.contains("attempts:  1") && !shown.contains("Text."), "{shown}");
    drop_message(&machine.world, Viewer::User(33), &id(33)).unwrap();
    assert_eq!(shelf.messages.len() - 1, machine.states().len());
}

#[test]
fn a_user_fills_a_fifth_and_root_has_the_rest() {
    let machine = Machine::new();
    let folder = machine.state.path().join("outbox");
    keep_unsent(&machine.world, request("first", &[]), &mut PresentCaller, failure(Cause::NoAccount)).unwrap();
    // As many of one user as he may have.
    for number in 0..MESSAGES / SHARE as usize {
        let id = Id::new(START * 1000 + number as u64, &[1, 2]);
        fs::write(folder.join(format!("{}.33.0.message", id.as_str())), "{}\n").unwrap();
    }
    for file in fs::read_dir(&folder).unwrap() {
        fs::set_permissions(file.unwrap().path(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let of = |uid: u32| {
        let mut request = request("next", &[]);
        request.caller.uid = uid;
        machine.deliver(request, &failing(Cause::Unreachable))
    };
    assert_eq!(of(33).unwrap_err().cause, Cause::OutboxFull);
    assert!(of(34).is_ok() && of(0).is_ok());
}

#[test]
fn what_was_perhaps_sent_is_sent_again_only_when_somebody_says_so() {
    let machine = Machine::new();
    let verdict = machine.deliver(request("a", &[]), &|_, _, _, held, _| {
        held.sending()?;
        Err(failure(Cause::PerhapsSent))
    });
    assert_eq!(verdict.unwrap_err().cause, Cause::PerhapsSent);
    let shelf = Store::new(&*machine.world.outbox).shelf().unwrap();
    let id = shelf.messages[0].0.id.as_str().to_owned();
    let beginning = &id[..id.len() - 1];
    let sent = RefCell::new(Vec::new());
    let again = |duplicate| retry(&machine.world, Viewer::Everybody, beginning, duplicate, &sending(&sent));
    assert_eq!(again(Duplicate::Never).unwrap_err().cause, Cause::DuplicatePossible);
    assert!(sent.borrow().is_empty());
    again(Duplicate::Possible).unwrap();
    assert_eq!(*sent.borrow(), ["a"]);
    assert_eq!(machine.files(), 0);
    assert_eq!(again(Duplicate::Possible).unwrap_err().cause, Cause::UnknownMessage);
}

#[test]
fn those_refused_are_tried_again_alone() {
    let machine = Machine::new();
    let (deferred, refused) = ("b@example.org", "c@example.org");
    let some =
        |address: &str, cause| RefusedRecipient { address: address.parse().unwrap(), cause, words: Words::from("no") };
    machine
        .deliver(request("a", &[]), &|_, _, _, held, _| {
            held.sending()?;
            let refused = vec![some(deferred, Cause::RecipientDeferred), some(refused, Cause::RecipientRefused)];
            Ok(Receipt { refused, ..receipt() })
        })
        .unwrap();
    assert_eq!(machine.states(), [State::Waiting]);
    let left = RefCell::new(Vec::new());
    run_queue(&machine.world, Pace::Everything, &|_, _, request, held, _| {
        left.borrow_mut().push((subject(&request), held.left().map(<[String]>::to_vec)));
        held.sending()?;
        Ok(receipt())
    })
    .unwrap();
    assert_eq!(left.borrow()[0], ("a".to_owned(), Some(vec![deferred.to_owned()])));
    assert!(left.borrow()[1].0.starts_with("1 message could not be sent"));
    assert_eq!(machine.states(), [State::Failed]);
    let list = list(&machine.world, Viewer::Everybody).unwrap();
    assert!(list.contains(refused) && !list.contains(deferred), "{list}");
}
