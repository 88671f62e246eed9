//! The notices of the whole lifecycle, word for word.

use super::words_tests::{COURSE, said};
use crate::render::fixture::notice;

fn all(tag: &str) -> String {
    COURSE.map(|kind| said(&notice(kind, 1), tag)).join("\n")
}

#[test]
fn the_course_of_an_episode_reads_as_written() {
    insta::assert_snapshot!(all("en"), @r#"
    # Upcoming renewal: web-ins-001, 2026-03-10
    Automatic renewal is on for web-ins-001. Please make sure that your account can be charged; the term ends in 7 days. Nothing else has to be done.

      Renewal price: 128.00 CNY
      Next charge attempt: 2026-03-10 08:00 (UTC+8)
      Term ends: 2026-03-10 15:30 (UTC+8)

    Review the renewal:
    https://console.example.com/billing

    If the renewal cannot be collected

    Expires 2026-03-10 15:30 (UTC+8), automatic renewal on:
      2026-03-10 15:30 (UTC+8): the term is over, still working for now.
      2026-03-25 15:30 (UTC+8): service stops. Data is kept.
      2026-04-09 15:30 (UTC+8): released. All data is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)

    To pay earlier or to turn automatic renewal off, use the console.

    # Renewal payment failed: web-ins-001
    We could not collect the renewal payment for web-ins-001. Please make sure that your account can be charged by the next attempt, or renew now.

      Renewal price: 128.00 CNY
      Next attempt: 2026-03-10 08:00 (UTC+8)
      End of the term: 2026-03-10 15:30 (UTC+8)

    Renew, or update your payment method:
    https://console.example.com/billing

    If not renewed

    Expires 2026-03-10 15:30 (UTC+8), automatic renewal on:
      2026-03-10 15:30 (UTC+8): the term is over, still working for now.
      2026-03-25 15:30 (UTC+8): service stops. Data is kept.
      2026-04-09 15:30 (UTC+8): released. All data is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)
        Attempt 2 of 5 failed. Next attempt: 2026-03-10 08:00 (UTC+8)

    # web-ins-001 is renewed until 2026-03-10
    web-ins-001 is renewed until 2026-03-10 15:30 (UTC+8). Automatic renewal is on.

    To see your resources and bills:
    https://console.example.com/billing

    If not renewed again

    Expires 2026-03-10 15:30 (UTC+8), automatic renewal on:
      2026-03-10 15:30 (UTC+8): the term is over, still working for now.
      2026-03-25 15:30 (UTC+8): service stops. Data is kept.
      2026-04-09 15:30 (UTC+8): released. All data is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)

    # web-ins-001 has been stopped
    web-ins-001 was stopped on 2026-03-10 15:30 (UTC+8) because it was not renewed. It is no longer billed. Data is kept until 2026-03-25 10:00 (UTC+8). Renew before then to get it back.

    Renew before 2026-03-25 10:00 (UTC+8):
    https://console.example.com/billing

    If not renewed

    Expired 2026-03-10 15:30 (UTC+8):
      2026-03-25 10:00 (UTC+8): released. All data is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)

    # web-ins-001 will be released, with its data
    web-ins-001 will be released on 2026-03-25 10:00 (UTC+8). Everything that is not listed below as kept is deleted then and cannot be recovered. To keep it, renew it before then.

    Renew before 2026-03-25 10:00 (UTC+8):
    https://console.example.com/billing

    If nothing is done

    Expired 2026-03-10 15:30 (UTC+8):
      2026-03-25 10:00 (UTC+8): released. Everything that is not listed as kept is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)
        Kept: disk disk-7
        Kept, and may cost: elastic public IP elastic_ip-7

    # web-ins-001 has been released
    web-ins-001 was released on 2026-03-18 15:30 (UTC+8) because payment did not arrive in time. Everything that is not listed below as kept is deleted and cannot be recovered. Some of what is kept may cost: please delete what you do not need.

    To see what is kept:
    https://console.example.com/billing

    Released

      * web-ins-001 (ins-001, ap-guangzhou)
        Kept: disk disk-7
        Kept, and may cost: elastic public IP elastic_ip-7

    # web-ins-001 is in service again
    web-ins-001 is in service again since 2026-03-10 15:30 (UTC+8). The dates in earlier notices do not apply any more.

    Not attached again by itself: load balancer and elastic public IP. Please configure this again. Please check the network settings.

    To see your resources and bills:
    https://console.example.com/billing

    If not renewed again

      2026-03-10 15:30 (UTC+8): the term is over, still working for now.
      2026-03-25 15:30 (UTC+8): service stops. Data is kept.
      2026-04-09 15:30 (UTC+8): released. All data is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)
        To configure again: load balancer lb-7, elastic public IP
        To do: check the network settings

    # web-ins-001 has been terminated
    web-ins-001 was terminated on 2026-03-10 15:30 (UTC+8) as requested. It is no longer billed. It can be restored until 2026-03-17 15:30 (UTC+8); after that its data is deleted and cannot be recovered.

    Restore before 2026-03-17 15:30 (UTC+8):
    https://console.example.com/billing

    Terminated

      2026-03-17 15:30 (UTC+8): released. All data is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)
        Kept in the recycle bin: disk disk-7
        Kept, and may cost: elastic public IP elastic_ip-7

    Some of what is kept may cost: please delete what you do not need. If you did not ask for this, please contact us at once: support@example.com

    # web-ins-001 will be terminated on 2026-03-10
    As requested, web-ins-001 will be terminated on 2026-03-10 15:30 (UTC+8). You can cancel until then; afterwards it cannot be restored. All data on it is deleted then and cannot be recovered.

    Cancel before 2026-03-10 15:30 (UTC+8):
    https://console.example.com/billing

    Scheduled

      * web-ins-001 (ins-001, ap-guangzhou)
        Will be terminated: 2026-03-10 15:30 (UTC+8)

    If you did not ask for this, please contact us at once: support@example.com

    # web-ins-001 has been returned
    web-ins-001 was returned on 2026-03-10 15:30 (UTC+8) as requested. It is no longer billed. Data is kept until 2026-03-17 15:30 (UTC+8); after that it is deleted and cannot be recovered. Renew before then to get it back.

      Refund: 128.00 CNY

    To see the refund, or to renew after all:
    https://console.example.com/billing

    Returned

      2026-03-17 15:30 (UTC+8): released. All data is deleted and cannot be recovered.
      * web-ins-001 (ins-001, ap-guangzhou)
        Refund: 128.00 CNY, back to how it was paid: cash 100.00 CNY, complimentary account 28.00 CNY
        Kept in the recycle bin: disk disk-7
        Kept, and may cost: elastic public IP elastic_ip-7

    Some of what is kept may cost: please delete what you do not need. If you did not ask for this, please contact us at once: support@example.com
    "#);
}

#[test]
fn the_course_of_an_episode_reads_as_written_in_chinese() {
    insta::assert_snapshot!(all("zh"), @r#"
    # 自动续费提醒：web-ins-001，2026-03-10 到期
    资源 web-ins-001 已开启自动续费，将于 7 天后到期。请确保账户可正常扣款，无需其他操作。

      续费金额：128.00 CNY
      下次扣款时间：2026-03-10 08:00 (UTC+8)
      到期时间：2026-03-10 15:30 (UTC+8)

    查看续费：
    https://console.example.com/billing

    如扣款失败

    2026-03-10 15:30 (UTC+8) 到期，已开启自动续费：
      2026-03-10 15:30 (UTC+8)：到期，暂时可继续使用。
      2026-03-25 15:30 (UTC+8)：停止服务，数据保留。
      2026-04-09 15:30 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)

    如需提前续费或关闭自动续费，请前往控制台操作。

    # 自动续费扣款失败：web-ins-001
    资源 web-ins-001 自动续费扣款失败。请在下次扣款前确保账户可正常扣款，或手动续费。

      续费金额：128.00 CNY
      下次扣款时间：2026-03-10 08:00 (UTC+8)
      到期时间：2026-03-10 15:30 (UTC+8)

    续费或更新支付方式：
    https://console.example.com/billing

    如未续费

    2026-03-10 15:30 (UTC+8) 到期，已开启自动续费：
      2026-03-10 15:30 (UTC+8)：到期，暂时可继续使用。
      2026-03-25 15:30 (UTC+8)：停止服务，数据保留。
      2026-04-09 15:30 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)
        第 2 次扣款失败（共 5 次）。下次扣款：2026-03-10 08:00 (UTC+8)

    # web-ins-001 已续费至 2026-03-10
    资源 web-ins-001 已续费，可使用至 2026-03-10 15:30 (UTC+8)。自动续费已开启。

    查看资源和账单：
    https://console.example.com/billing

    如未再次续费

    2026-03-10 15:30 (UTC+8) 到期，已开启自动续费：
      2026-03-10 15:30 (UTC+8)：到期，暂时可继续使用。
      2026-03-25 15:30 (UTC+8)：停止服务，数据保留。
      2026-04-09 15:30 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)

    # web-ins-001 已停止服务
    资源 web-ins-001 因到期未续费，已于 2026-03-10 15:30 (UTC+8) 停止服务，同时停止计费。数据保留至 2026-03-25 10:00 (UTC+8)，在此之前续费即可恢复服务。

    请在 2026-03-25 10:00 (UTC+8) 前续费：
    https://console.example.com/billing

    如未续费

    已于 2026-03-10 15:30 (UTC+8) 到期：
      2026-03-25 10:00 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)

    # web-ins-001 即将释放，数据将被清除
    资源 web-ins-001 将于 2026-03-25 10:00 (UTC+8) 释放，除下列保留的内容外，数据将全部清除且无法恢复。如需保留，请在此之前续费。

    请在 2026-03-25 10:00 (UTC+8) 前续费：
    https://console.example.com/billing

    如未处理

    已于 2026-03-10 15:30 (UTC+8) 到期：
      2026-03-25 10:00 (UTC+8)：释放资源。除下列保留的内容外，数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)
        保留：磁盘 disk-7
        保留，可能产生费用：弹性公网 IP elastic_ip-7

    # web-ins-001 已释放
    资源 web-ins-001 因未及时续费或充值，已于 2026-03-18 15:30 (UTC+8) 释放，除下列保留的内容外，数据已全部清除且无法恢复。保留的部分内容可能产生费用，如不再需要，请在控制台删除。

    查看保留的内容：
    https://console.example.com/billing

    已释放的资源

      * web-ins-001 (ins-001, ap-guangzhou)
        保留：磁盘 disk-7
        保留，可能产生费用：弹性公网 IP elastic_ip-7

    # web-ins-001 已恢复服务
    资源 web-ins-001 已于 2026-03-10 15:30 (UTC+8) 恢复服务，此前通知中的处理时间不再适用。

    以下关联不会自动还原，请重新配置：负载均衡、弹性公网 IP。请检查网络设置。

    查看资源和账单：
    https://console.example.com/billing

    如未再次续费

      2026-03-10 15:30 (UTC+8)：到期，暂时可继续使用。
      2026-03-25 15:30 (UTC+8)：停止服务，数据保留。
      2026-04-09 15:30 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)
        需重新配置：负载均衡 lb-7、弹性公网 IP
        待处理：检查网络设置

    # web-ins-001 已销毁
    资源 web-ins-001 已按您的请求于 2026-03-10 15:30 (UTC+8) 销毁，同时停止计费。在 2026-03-17 15:30 (UTC+8) 前可以恢复，之后数据将全部清除且无法恢复。

    如需恢复，请在 2026-03-17 15:30 (UTC+8) 前操作：
    https://console.example.com/billing

    已销毁的资源

      2026-03-17 15:30 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)
        回收站中保留：磁盘 disk-7
        保留，可能产生费用：弹性公网 IP elastic_ip-7

    保留的部分内容可能产生费用，如不再需要，请在控制台删除。如非本人操作，请立即与我们联系：support@example.com

    # web-ins-001 将于 2026-03-10 销毁
    资源 web-ins-001 已按您的请求设置定时销毁，将于 2026-03-10 15:30 (UTC+8) 执行。在此之前可以取消；销毁后无法恢复，数据将全部清除。

    如需取消，请在 2026-03-10 15:30 (UTC+8) 前操作：
    https://console.example.com/billing

    定时销毁的资源

      * web-ins-001 (ins-001, ap-guangzhou)
        销毁时间：2026-03-10 15:30 (UTC+8)

    如非本人操作，请立即与我们联系：support@example.com

    # web-ins-001 已退还
    资源 web-ins-001 已按您的请求于 2026-03-10 15:30 (UTC+8) 退还，同时停止计费。数据保留至 2026-03-17 15:30 (UTC+8)，在此之前续费即可恢复使用，之后数据将全部清除且无法恢复。

      退款金额：128.00 CNY

    查看退款或重新续费：
    https://console.example.com/billing

    已退还的资源

      2026-03-17 15:30 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
      * web-ins-001 (ins-001, ap-guangzhou)
        退款：128.00 CNY，原路退回：现金账户 100.00 CNY、赠送账户 28.00 CNY
        回收站中保留：磁盘 disk-7
        保留，可能产生费用：弹性公网 IP elastic_ip-7

    保留的部分内容可能产生费用，如不再需要，请在控制台删除。如非本人操作，请立即与我们联系：support@example.com
    "#);
}
