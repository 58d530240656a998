//! An OpenPGP card in a process: `openpgp-card PORT` connects to the port of vpcd's reader and answers what the reader sends, until either side ends.
//!
//! The card is the crate `opcard` with all that it stores in memory, so each start is a card that nobody has used: user PIN 123456, admin PIN 12345678. The random numbers of
//! its platform are always the same ones: it is for tests and nothing else.
//!
//! vpcd's protocol: messages of two bytes of length, the high one first, and that many bytes. A message of one byte is about the power; anything else is an APDU.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;

use iso7816::Status;
use iso7816::command::CommandView;
use trussed::backend::{Backend as _, BackendId};
use trussed::platform::Platform;
use trussed::serde_extensions::{ExtensionDispatch, ExtensionId, ExtensionImpl as _};
use trussed::service::ServiceResources;
use trussed::types::Context;
use trussed::virt::{self, StoreConfig};
use trussed_auth::AuthExtension;
use trussed_auth_backend::{AuthBackend, AuthContext, FilesystemLayout};
use trussed_chunked::ChunkedExtension;
use trussed_core::api::{Reply, Request, reply, request};
use trussed_core::types::Location;
use trussed_hpke::HpkeExtension;
use trussed_rsa_alloc::SoftwareRsa;
use trussed_staging::{StagingBackend, StagingContext};
use trussed_wrap_key_to_file::WrapKeyToFileExtension;

/// A T=1 card that takes extended APDUs.
const ATR: [u8; 16] = [0x3b, 0x8f, 0x80, 0x01, 0x80, 0x31, 0xb8, 0x73, 0x84, 0x01, 0xe0, 0x82, 0x90, 0x00, 0x06, 0x00];

const BACKENDS: &[BackendId<Backend>] = &[
    BackendId::Custom(Backend::Rsa),
    BackendId::Custom(Backend::Auth),
    BackendId::Custom(Backend::Staging),
    BackendId::Core,
];

enum Backend {
    Rsa,
    Auth,
    Staging,
}

/// What the card asks of its platform beyond the core, by number.
#[derive(Clone, Copy)]
enum Extension {
    Auth,
    Chunked,
    Hpke,
    WrapKeyToFile,
}

impl From<Extension> for u8 {
    fn from(extension: Extension) -> Self {
        extension as Self
    }
}

impl TryFrom<u8> for Extension {
    type Error = trussed_core::Error;

    fn try_from(id: u8) -> Result<Self, Self::Error> {
        let all = [Self::Auth, Self::Chunked, Self::Hpke, Self::WrapKeyToFile];
        all.get(usize::from(id)).copied().ok_or(trussed_core::Error::FunctionNotSupported)
    }
}

#[derive(Default)]
struct Contexts {
    auth: AuthContext,
    staging: StagingContext,
}

struct Dispatch {
    auth: AuthBackend,
    staging: StagingBackend,
}

macro_rules! extension {
    ($extension:ty, $id:ident) => {
        impl ExtensionId<$extension> for Dispatch {
            type Id = Extension;
            const ID: Extension = Extension::$id;
        }
    };
}
extension!(AuthExtension, Auth);
extension!(ChunkedExtension, Chunked);
extension!(HpkeExtension, Hpke);
extension!(WrapKeyToFileExtension, WrapKeyToFile);

impl ExtensionDispatch for Dispatch {
    type BackendId = Backend;
    type Context = Contexts;
    type ExtensionId = Extension;

    fn core_request<P: Platform>(
        &mut self,
        backend: &Backend,
        ctx: &mut Context<Contexts>,
        request: &Request,
        resources: &mut ServiceResources<P>,
    ) -> Result<Reply, trussed_core::Error> {
        let Context { core, backends, .. } = ctx;
        match backend {
            Backend::Rsa => SoftwareRsa.request(core, &mut (), request, resources),
            Backend::Auth => self.auth.request(core, &mut backends.auth, request, resources),
            Backend::Staging => self.staging.request(core, &mut backends.staging, request, resources),
        }
    }

    fn extension_request<P: Platform>(
        &mut self,
        backend: &Backend,
        extension: &Extension,
        ctx: &mut Context<Contexts>,
        request: &request::SerdeExtension,
        resources: &mut ServiceResources<P>,
    ) -> Result<reply::SerdeExtension, trussed_core::Error> {
        let Context { core, backends, .. } = ctx;
        let (auth, staging) = (&mut self.auth, &mut self.staging);
        macro_rules! staged {
            ($extension:ty) => {
                trussed::serde_extensions::ExtensionImpl::<$extension>::extension_request_serialized(
                    staging,
                    core,
                    &mut backends.staging,
                    request,
                    resources,
                )
            };
        }
        match (backend, extension) {
            (Backend::Auth, Extension::Auth) => {
                auth.extension_request_serialized(core, &mut backends.auth, request, resources)
            }
            (Backend::Staging, Extension::Chunked) => staged!(ChunkedExtension),
            (Backend::Staging, Extension::Hpke) => staged!(HpkeExtension),
            (Backend::Staging, Extension::WrapKeyToFile) => staged!(WrapKeyToFileExtension),
            _ => Err(trussed_core::Error::RequestNotAvailable),
        }
    }
}

/// The next message; `None` when the reader is gone.
fn receive(reader: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    if let Err(error) = reader.read_exact(&mut length) {
        return if error.kind() == std::io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    // vpcd sends the length, waits for it to be acknowledged, and sends the rest: a late acknowledgement costs 40 ms, and there are hundreds.
    acknowledge_at_once(reader);
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    reader.read_exact(&mut message)?;
    acknowledge_at_once(reader);
    Ok(Some(message))
}

/// The system takes this back by itself, so it is said after each read.
fn acknowledge_at_once(reader: &TcpStream) {
    let on: libc::c_int = 1;
    let size = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the option is a c_int of that size.
    unsafe {
        libc::setsockopt(reader.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_QUICKACK, (&raw const on).cast(), size);
    }
}

fn send(reader: &mut TcpStream, message: &[u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
    let length = u16::try_from(message.len())?.to_be_bytes();
    reader.write_all(&[&length[..], message].concat())?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let port: u16 = std::env::args().nth(1).ok_or("usage: openpgp-card PORT")?.parse()?;
    let mut reader = TcpStream::connect(("127.0.0.1", port))?;
    reader.set_nodelay(true)?;
    let dispatch =
        Dispatch { auth: AuthBackend::new(Location::Internal, FilesystemLayout::V0), staging: StagingBackend::new() };
    virt::with_platform(StoreConfig::ram(), |platform| {
        platform.run_client_with_backends("opcard", dispatch, BACKENDS, |client| {
            let mut card = opcard::Card::new(client, opcard::Options::default());
            let mut answer = heapless::Vec::<u8, 8192>::new();
            while let Some(message) = receive(&mut reader)? {
                match message[..] {
                    [] => {}
                    // Off, on, reset.
                    [0..=2] => card.reset(),
                    [4] => send(&mut reader, &ATR)?,
                    [_] => {}
                    _ => {
                        answer.clear();
                        let status = match CommandView::try_from(&message[..]) {
                            Ok(command) => card.handle(command, &mut answer).err().unwrap_or_default(),
                            Err(_) => Status::WrongLength,
                        };
                        let status: [u8; 2] = status.into();
                        send(&mut reader, &[&answer[..], &status].concat())?;
                    }
                }
            }
            Ok(())
        })
    })
}
