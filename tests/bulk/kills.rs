//! Killed by SIGKILL at random moments.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::bench::softhsm;
use crate::pool::{Mix, Pool, all_done_once, blank, expect};

/// Of a seed that is printed (splitmix64): CNG11_TEST_SEED gives it back.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("CNG11_TEST_SEED").ok().map(|seed| seed.parse().expect("a number"));
        let seed = given.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
            u64::from(now.subsec_nanos()) ^ now.as_secs()
        });
        eprintln!("CNG11_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most.max(1)
    }
}

/// How often: CNG11_TEST_KILLS says it, else so often.
fn wanted(usual: u32) -> u32 {
    std::env::var("CNG11_TEST_KILLS").map_or(usual, |kills| kills.parse().expect("a number"))
}

/// So many runs at most, those included that were done before they could be killed.
const MOST_RUNS: u32 = 1000;

/// A run is killed and resumed until it gets to its end; then comes the next one on a fresh token, until enough have been killed.
fn killed_and_resumed(jobs: &str, kills_wanted: u32) {
    let pool = Pool::new(Mix { rsa: 20, p256: 60, p384: 40, aes: 50, hmac: 30 });
    assert_eq!(pool.keys.len(), 200);
    let base = blank();
    let undisturbed = base.copy();
    let start = Instant::now();
    expect(&undisturbed, &pool.journaled(&undisturbed, &["--jobs", jobs]), 0);
    let whole = u64::try_from(start.elapsed().as_micros()).expect("no aeon");
    pool.is_whole(&undisturbed).expect("the undisturbed run");

    let mut random = Random::new();
    let (mut kills, mut runs, mut tokens, mut cut) = (0, 0, 0usize, 0);
    while kills < kills_wanted {
        tokens += 1;
        let bench = base.copy();
        let import = pool.journaled(&bench, &["--jobs", jobs]);
        let mut is_first = true;
        loop {
            runs += 1;
            assert!(runs <= MOST_RUNS, "only {kills} of {runs} runs could be killed");
            // The first over the whole of it; then what is left is less, and the steps are smaller.
            let moment = random.below(if is_first { whole } else { whole / 3 });
            is_first = false;
            let mut command = bench.command(softhsm(), &import);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cng11");
            std::thread::sleep(Duration::from_micros(moment));
            child.kill().expect("a signal can be sent to a child that was not waited for");
            let output = child.wait_with_output().expect("an end");
            if output.status.signal() == Some(9) {
                kills += 1;
                // SoftHSM2 writes the token's own file anew at every login: killed there it has no token any more, of which nothing can be shown.
                let own = bench.token_folder().join("token.object");
                let whole = fs::read(base.token_folder().join("token.object")).expect("a token");
                if fs::metadata(&own).is_ok_and(|found| found.len() < whole.len() as u64) {
                    fs::write(&own, &whole).expect("a token");
                }
                let done = bench.object_files().len();
                cut += u32::from(done > 1 && done < pool.objects() + 1);
                if kills < kills_wanted {
                    continue;
                }
            } else {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            break;
        }
        expect(&bench, &import, 0);
        pool.is_whole(&bench).expect("after the kills");
        assert_eq!(bench.objects().len(), undisturbed.objects().len());
        // Each pair was proven as it was imported; on the last token all are, on the others some, other ones each time.
        let share = if kills < kills_wanted { (tokens % 12, 12) } else { (0, 1) };
        pool.some_are_proven(&bench, share).expect("after the kills");
        all_done_once(&bench.path("journal"), pool.keys.len()).expect("the journal");
        // Done is done: one more run does nothing.
        let before = fs::read(bench.path("journal")).expect("a journal");
        assert_eq!(expect(&bench, &import, 0)["done_before"], 200);
        assert!(fs::read(bench.path("journal")).expect("a journal") == before, "it was written to");
    }
    eprintln!(
        "{kills} kills in {runs} runs on {tokens} tokens, {cut} of them with keys written and others not; an undisturbed run takes {whole} µs"
    );
}

#[test]
fn two_hundred_keys_are_complete_and_there_once_after_kills_of_one_thread() {
    killed_and_resumed("1", wanted(6));
}

#[test]
fn two_hundred_keys_are_complete_and_there_once_after_kills_of_four_threads() {
    killed_and_resumed("4", wanted(50));
}
