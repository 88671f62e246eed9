//! The consumers of one session: a channel a queue, merged into one stream. Acknowledges nothing.

use core::future::Future;

use futures_util::future::{FutureExt, select_all as first_of};
use futures_util::stream::{BoxStream, StreamExt, once, select_all};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};

use super::link::{Link, Subject};
use super::settings::BrokerSettings;
use super::{BrokerError, Side};

/// The index of a queue, and what came from it; `None`: its consumer ended.
pub(crate) type Arrival = (usize, Option<lapin::Result<Delivery>>);

/// The consumers of one session.
pub(crate) struct Consumers {
    /// What comes, in order within each queue.
    pub(crate) stream: BoxStream<'static, Arrival>,
    open: Vec<(Channel, ShortString)>,
}

impl Consumers {
    /// Starts a consumer a queue, each with its prefetch set before.
    pub(crate) async fn start(link: &Link, settings: &BrokerSettings) -> Result<Self, BrokerError> {
        let (mut open, mut streams) = (Vec::new(), Vec::new());
        for (index, queue) in settings.input.queues.iter().enumerate() {
            let channel = link.channel().await?;
            // lapin buffers without a bound: only the prefetch limits what may lie here.
            let qos = channel.basic_qos(settings.input.prefetch, BasicQosOptions::default());
            link.rpc("setting the prefetch", qos).await?;
            let name = queue.name.as_str().into();
            let options = BasicConsumeOptions::default();
            let consuming = channel.basic_consume(name, "".into(), options, FieldTable::default());
            let consumer = link.rpc("starting a consumer", consuming).await?;
            open.push((channel, consumer.tag()));
            let arrivals = consumer.map(move |delivery| (index, Some(delivery)));
            streams.push(arrivals.chain(once(core::future::ready((index, None)))).boxed());
        }
        Ok(Self { stream: select_all(streams).boxed(), open })
    }

    /// Asks for no more. What the broker has sent already still comes, then each stream ends.
    pub(crate) async fn cancel(&mut self, link: &Link) -> Result<(), BrokerError> {
        for (channel, tag) in &self.open {
            let cancelling = channel.basic_cancel(tag.clone(), BasicCancelOptions::default());
            link.rpc("cancelling a consumer", cancelling).await?;
        }
        Ok(())
    }

    /// Resolves when one of the channels no longer answers.
    pub(crate) fn proof_of_life(
        &self,
        link: &Link,
        settings: &BrokerSettings,
    ) -> impl Future<Output = BrokerError> + Send + 'static {
        let queues = settings.input.queues.iter();
        let proofs = queues.zip(&self.open).map(|(queue, (channel, _))| {
            let subject = Subject::Queue(queue.name.clone());
            link.proof_of_life(channel.clone(), subject, &settings.link).boxed()
        });
        let proofs: Vec<_> = proofs.collect();
        async move {
            // An empty list cannot be: the settings need a queue. It would otherwise mean a proof that never fails.
            debug_assert!(!proofs.is_empty(), "{} needs a queue", Side::Consume.label());
            first_of(proofs).await.0
        }
    }
}
