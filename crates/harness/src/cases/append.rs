//! RFC 438's example as it is printed: `APPEND (FILE) PROG1.PL1 (TO FILE) PROG2.PL1`.

use thirdhost_client::{Arrangement, Operation, Side};

use super::{only, sent};
use crate::{Evidence, Failed, Setting, Stage, check};
use crate::{SITE1, SITE2};

pub(super) async fn run(setting: &Setting) -> Result<Evidence, Failed> {
    let mut stage = Stage::open(setting)?;
    std::fs::write(stage.source.path(PROG1), PROG1_TEXT)?;
    std::fs::write(stage.destination.path(PROG2), PROG2_TEXT)?;
    let (new, old) = (stage.source.keep(PROG1)?, stage.destination.keep(PROG2)?);
    let mut pair = stage
        .pair(only(Arrangement::Lstn, Side::Destination))
        .await?;
    stage
        .transfer(&mut pair, Operation::Append, PROG1, PROG2)
        .await?;
    pair.quit().await;
    for (site, command) in [
        (SITE2, "LSTN R"),
        (SITE1, "SOCK "),
        (SITE2, "SOCK "),
        (SITE1, "RETR PROG1.PL1"),
        (SITE2, "APPE PROG2.PL1"),
    ] {
        sent(&stage.transcript, site, command, 1)?;
    }
    check::holds(&stage.destination, PROG2, &[&old, &new])?;
    check::holds(&stage.source, PROG1, &[&new])?;
    check::only_names(&stage.source, &[PROG1])?;
    check::only_names(&stage.destination, &[PROG2])?;
    stage.close().await
}

const PROG1: &str = "PROG1.PL1";
const PROG2: &str = "PROG2.PL1";

const PROG1_TEXT: &str = "\
AVERAGE: PROCEDURE (A, N) RETURNS (FLOAT);\r
   DECLARE A(*) FLOAT, N FIXED BINARY;\r
   RETURN (SUM(A) / N);\r
END AVERAGE;\r
";

const PROG2_TEXT: &str = "\
SUMMARY: PROCEDURE OPTIONS (MAIN);\r
   DECLARE A(10) FLOAT;\r
   GET LIST (A);\r
   PUT LIST (AVERAGE(A, 10));\r
END SUMMARY;\r
";
