//! `kolosal tokens`

use kolosal_platform::store::Role;
use kolosal_platform::{PlatformError, unix_ms};

use crate::args::{TokensArgs, TokensWhat};
use crate::command::runs::time;
use crate::output::{Align, Output, table};
use crate::store::{person, required};
use crate::wire_store::{Revoked, TokenLine, TokenList};

pub(crate) fn run(args: TokensArgs, output: &Output) -> anyhow::Result<u8> {
    match args.what {
        TokensWhat::Create {
            name,
            role,
            expires_in,
            store,
        } => {
            let role = Role::parse(&role).map_err(PlatformError::from)?;
            let expires = expires_in.map(|time| unix_ms().saturating_add(time.as_millis() as i64));
            let made = required(&store, output)?.create_token(&name, role, expires, &person());
            let (secret, info) = made.map_err(PlatformError::from)?;
            let line = TokenLine {
                token: Some(secret.clone()),
                ..TokenLine::from(&info)
            };
            output.result(&line, || format!("{secret}\n"))?;
        }
        TokensWhat::List { store } => {
            let tokens = required(&store, output)?.tokens().map_err(PlatformError::from)?;
            let list = TokenList {
                tokens: tokens.iter().map(TokenLine::from).collect(),
            };
            output.result(&list, || text(&list))?;
        }
        TokensWhat::Revoke { id, store } => {
            let store = required(&store, output)?;
            store.revoke_token(&id, &person()).map_err(PlatformError::from)?;
            let revoked = Revoked { revoked: id };
            output.result(&revoked, || {
                format!("{} opens nothing any more\n", revoked.revoked)
            })?;
        }
    }
    Ok(0)
}

fn text(list: &TokenList) -> String {
    let row = |token: &TokenLine| {
        let state = match (token.revoked_ms, token.expires_ms) {
            (Some(at), _) => format!("revoked {}", time(at)),
            (None, Some(at)) => format!("until {}", time(at)),
            (None, None) => String::new(),
        };
        vec![
            token.id.clone(),
            token.name.clone(),
            token.role.to_owned(),
            time(token.created_ms),
            state,
        ]
    };
    let headings = [
        ("id", Align::Left),
        ("name", Align::Left),
        ("role", Align::Left),
        ("made (UTC)", Align::Left),
        ("", Align::Left),
    ];
    table(&headings, &list.tokens.iter().map(row).collect::<Vec<_>>())
}
