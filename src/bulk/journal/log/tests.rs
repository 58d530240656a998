use std::io::ErrorKind;

use super::*;

/// A disk with room for so many bytes, on which calls fail when they are told to.
#[derive(Default)]
struct Disk {
    bytes: Vec<u8>,
    room: usize,
    cut_fails: bool,
    sync_fails: bool,
    syncs: u32,
}

impl Store for Disk {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let taken = bytes.len().min(self.room - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        if taken < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<()> {
        self.syncs += 1;
        if self.sync_fails { Err(Error::other("the disk is gone")) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        if self.cut_fails {
            return Err(Error::other("the disk is gone"));
        }
        self.bytes.truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}

fn log(room: usize) -> Log<Disk> {
    Log::new(Disk { room, ..Disk::default() }, Chain::new(), 0)
}

/// The objects of the lines, as far as they are whole and fit.
fn lines(bytes: &[u8]) -> Vec<String> {
    let mut chain = Chain::new();
    let whole = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    whole.map(|line| String::from_utf8(chain.take(line).unwrap().to_vec()).unwrap()).collect()
}

#[test]
fn check_digits_are_those_of_sha_256_over_the_ones_before_and_the_object() {
    // printf '%s' '0000000000000000{"end":0}' | sha256sum; then the same with what that begins with.
    let (first, next) = Chain::new().line("{\"end\":0}");
    let (second, _) = next.line("{\"end\":1}");
    assert_eq!(String::from_utf8(first).unwrap(), "{\"end\":0} 09a15e784213d928\n");
    assert_eq!(String::from_utf8(second).unwrap(), "{\"end\":1} b3d09c6cf8d687f7\n");
}

#[test]
fn what_does_not_fit_on_the_disk_is_taken_away_and_the_rest_stays_whole() {
    let full = lines_of(3);
    for room in 0..full {
        let mut log = log(room);
        let written = (0..3).take_while(|n| log.append(&format!("{{\"end\":{n}}}")).is_ok()).count();
        assert_eq!(lines(&log.store.bytes).len(), written);
        assert_eq!(log.store.bytes.len(), lines_of(written), "{room}: something is left of the torn line");
        // Once there is room it goes on as if nothing had been.
        log.store.room = full;
        for n in written..3 {
            log.append(&format!("{{\"end\":{n}}}")).unwrap();
        }
        assert_eq!(lines(&log.store.bytes), ["{\"end\":0}", "{\"end\":1}", "{\"end\":2}"]);
    }
}

fn lines_of(count: usize) -> usize {
    count * "{\"end\":0} 0123456789abcdef\n".len()
}

#[test]
fn a_torn_line_that_cannot_be_taken_away_stays_the_last_one() {
    let mut log = log(lines_of(1) + 5);
    log.append("{\"end\":0}").unwrap();
    log.store.cut_fails = true;
    assert_eq!(log.append("{\"end\":1}").unwrap_err().kind(), ErrorKind::StorageFull);
    (log.store.room, log.store.cut_fails) = (usize::MAX, false);
    assert!(log.append("{\"end\":1}").is_err());
    assert!(log.sync().is_err());
    assert_eq!(log.store.bytes.len(), lines_of(1) + 5);
    assert_eq!(lines(&log.store.bytes), ["{\"end\":0}"]);
}

#[test]
fn after_a_sync_that_failed_nothing_more_is_taken() {
    let mut log = log(usize::MAX);
    log.append("{\"end\":0}").unwrap();
    log.store.sync_fails = true;
    assert!(log.sync().is_err());
    log.store.sync_fails = false;
    assert!(log.sync().is_err(), "the system may have dropped the line and now says that all is well");
    assert!(log.append("{\"end\":1}").is_err());
    assert_eq!((log.store.syncs, lines(&log.store.bytes).len()), (1, 1));
}

#[test]
fn what_is_durable_is_not_synced_again() {
    let mut log = log(usize::MAX);
    log.append("{}").unwrap();
    for _ in 0..3 {
        log.sync().unwrap();
    }
    assert_eq!(log.store.syncs, 1);
}
