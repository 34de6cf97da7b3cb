//! The people who are always there, each for one branch of an application.

use super::{Email, GithubAccount, Person};

/// In the order in which the page lists them. Keys and account ids never change: tests and
/// people's local databases rely on them.
pub(crate) fn people() -> Vec<Person> {
    vec![
        Person {
            key: "ada".into(),
            name: "Ada Lovelace".into(),
            email: email("ada@example.test", true),
            branch: "The ordinary case: a verified e-mail.".into(),
            google_sub: "100000000000000000001".into(),
            github: github(1815, "ada", email("ada@github.example.test", true)),
            facebook_id: "10150000000000001".into(),
            testing: false,
        },
        Person {
            key: "grace".into(),
            name: "Grace Hopper".into(),
            email: email("grace@example.test", false),
            branch: "An unverified e-mail: it proves nothing.".into(),
            google_sub: "100000000000000000002".into(),
            github: github(1906, "grace", email("grace@github.example.test", false)),
            facebook_id: "10150000000000002".into(),
            testing: false,
        },
        Person {
            key: "noor".into(),
            name: "Noor Inayat Khan".into(),
            email: None,
            branch: "No e-mail: the app must do without.".into(),
            google_sub: "100000000000000000003".into(),
            github: github(1914, "noor", None),
            facebook_id: "10150000000000003".into(),
            testing: false,
        },
        Person {
            key: "twin".into(),
            name: "Ada’s Twin".into(),
            email: email("ada@example.test", true),
            branch: "Ada’s e-mail at Google, another account. At Facebook, Ada’s GitHub id.".into(),
            google_sub: "100000000000000000004".into(),
            github: github(1816, "ada-twin", email("ada@example.test", true)),
            // Ada's id at GitHub: an account key is (provider, id), never the id alone.
            facebook_id: "1815".into(),
            testing: false,
        },
        Person {
            key: "long".into(),
            name: LONG_NAME.into(),
            email: email("long.name@example.test", true),
            branch: "A very long name, in several scripts.".into(),
            google_sub: "100000000000000000005".into(),
            github: github(2000, "long-name", email("long.name@github.example.test", true)),
            facebook_id: "10150000000000005".into(),
            testing: false,
        },
        Person {
            key: "alan".into(),
            name: "Alan Turing".into(),
            email: email("admin@example.test", true),
            branch: "The administrator, if the app says so.".into(),
            google_sub: "100000000000000000006".into(),
            github: github(1912, "alan", email("admin@github.example.test", true)),
            facebook_id: "10150000000000006".into(),
            testing: false,
        },
        Person {
            key: "octo".into(),
            name: "Octavia Hill".into(),
            email: email("octavia@example.test", true),
            branch: "At GitHub: id beyond 2⁵³, name and e-mail hidden.".into(),
            google_sub: "100000000000000000007".into(),
            github: GithubAccount {
                // 2^53 + 1: the first integer that a 64-bit float cannot hold.
                id: 9_007_199_254_740_993,
                login: "octavia".into(),
                shows_name: false,
                shows_email: false,
                email: email("octavia@github.example.test", true),
            },
            facebook_id: "10150000000000007".into(),
            testing: false,
        },
        Person {
            key: "hedy".into(),
            name: "Hedy Lamarr".into(),
            email: email("hedy@example.test", true),
            branch: "A tester at Google: her refresh tokens end after seven days.".into(),
            google_sub: "100000000000000000008".into(),
            github: github(1941, "hedy", email("hedy@github.example.test", true)),
            facebook_id: "10150000000000008".into(),
            testing: true,
        },
    ]
}

/// Right to left, ideographs, combining marks, emoji joined from several code points.
const LONG_NAME: &str = "عبد الرحمن محمد بن خلدون الحضرمي الإشبيلي · 鈴木 一朗・김철수・王小明 · \
Wolfeschlegelsteinhausenbergerdorff · Zoë Müßiggang-Ångström née Đặng Thị Ánh Tuyết · \
א״ב שלום־עליכם · ประเสริฐ ศรีสุวรรณ · 👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈 the Third, Esq.";

fn email(address: &str, verified: bool) -> Option<Email> {
    Some(Email { address: address.into(), verified })
}

fn github(id: u64, login: &str, email: Option<Email>) -> GithubAccount {
    GithubAccount { id, login: login.into(), shows_name: true, shows_email: true, email }
}
