//! The command that measured something, as it can be given again.

use std::env;

/// This process's own, with every flag that it was given.
pub fn of_process() -> String {
    of(env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()))
}

fn of(arguments: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = std::iter::once("trainer".to_owned()).chain(arguments.map(|word| quoted(&word))).collect();
    words.join(" ")
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=+:,./@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // A text has its commands in one line each.
    if word.contains('\n') {
        let inside = word.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
        return format!("$'{inside}'");
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The commands of which the results are, one after the other, as the beginning of a sentence.
pub fn told(commands: &[String]) -> String {
    let shown =
        |command: &String| if command.contains('`') { format!("`` {command} ``") } else { format!("`{command}`") };
    format!("Written by {}", commands.iter().map(shown).collect::<Vec<_>>().join(" and "))
}

/// Puts those of a file before these, each once.
pub fn put_before(commands: &mut Vec<String>, mut earlier: Vec<String>) {
    let new: Vec<String> = commands.drain(..).filter(|command| !earlier.contains(command)).collect();
    earlier.extend(new);
    *commands = earlier;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_quoted_as_a_shell_takes_it() {
        let words = ["experiment", "--levels", "0.1,2", "--out", "my 'new' folder", "--change", "a = 1\nb = 'x'", ""];
        let command = of(words.iter().map(|&word| word.to_owned()));
        let wanted = r"trainer experiment --levels 0.1,2 --out 'my '\''new'\'' folder' --change $'a = 1\nb = \'x\'' ''";
        assert_eq!(command, wanted);
        #[cfg(unix)]
        {
            let line = format!("printf '<%s>' {}", &command["trainer ".len()..]);
            let output = std::process::Command::new("bash").args(["-c", &line]).output().unwrap();
            let told: String = words.iter().map(|word| format!("<{word}>")).collect();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), told);
        }
    }

    #[test]
    fn commands_are_told_in_the_order_they_were_given_each_once() {
        let mut commands = vec!["b".to_owned()];
        put_before(&mut commands, vec!["a".to_owned()]);
        put_before(&mut commands, vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        assert_eq!(told(&commands), "Written by `a` and `b` and `c`");
        assert_eq!(told(&["x '`'".to_owned()]), "Written by `` x '`' ``");
    }
}
