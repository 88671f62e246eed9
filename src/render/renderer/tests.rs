//! What readers get: words, dates, escaping, sizes, and errors that name the place.

use super::*;
use crate::render::fixture::{KINDS, brand, contact, notice};

fn renderer() -> Renderer {
    Renderer::new(Templates::shipped(), "en", brand(), Limits::default()).expect("shipped")
}

fn with(path: &str, text: &str) -> Renderer {
    let mut templates = Templates::shipped();
    templates.insert(path, &format!("templates/{path}.hbs"), text);
    Renderer::new(templates, "en", brand(), Limits::default()).expect("compiles")
}

#[test]
fn every_notice_says_in_both_languages_when_and_what_and_where_to_act() {
    let renderer = renderer();
    for kind in KINDS {
        for (tag, language) in
            [("en-GB", "en"), ("zh-Hans-CN", "zh-CN"), ("zh-SG", "zh-CN"), ("fr", "en")]
        {
            let notice = notice(kind, 2);
            let email = renderer.render_email(&notice, &contact(), tag).expect(kind);
            assert_eq!(email.language, language);
            assert!(email.html.contains(&format!("<html lang=\"{language}\"")), "{kind}");
            assert!(email.subject.chars().count() <= 60, "{kind}: {}", email.subject);
            for body in [&email.text, &email.html] {
                for needed in [
                    "web-ins-001",
                    "ins-002",
                    "ap-guangzhou",
                    "(UTC+8)",
                    "https://console.example.com/billing",
                ] {
                    assert!(body.contains(needed), "{kind} {tag}: {needed}");
                }
                for (promise, item) in notice
                    .items
                    .iter()
                    .flat_map(|item| item.promises.iter().map(move |p| (p, item)))
                {
                    let local = (promise.at + chrono::TimeDelta::hours(8)).format("%Y-%m-%d %H:%M");
                    assert!(
                        body.contains(&local.to_string()),
                        "{kind} {tag}: {} at {local}",
                        item.resource
                    );
                }
            }
        }
    }
}

#[test]
fn a_warning_reads_as_written() {
    let email =
        renderer().render_email(&notice("expiry-warning", 1), &contact(), "en").expect("rendered");
    assert_eq!(email.subject, "web-ins-001 expires on 2026-03-10");
    insta::assert_snapshot!(email.text, @r#"
        Hello Li Wei,

        web-ins-001 expires on 2026-03-10 15:30 (UTC+8), in 7 days. Please renew it before then to keep it running.

        Renew by 2026-03-10 15:30 (UTC+8):
        https://console.example.com/billing

        If not renewed

        Expires 2026-03-10 15:30 (UTC+8):
          2026-03-10 15:30 (UTC+8): service stops; moved to the recycle bin. Data is kept.
          2026-03-18 00:00 (UTC+8): released. All data is deleted and cannot be recovered.
          * web-ins-001 (ins-001, ap-guangzhou)
            To configure again: load balancer lb-7, elastic public IP

        Detached when service stops, and not restored by paying: load balancer and elastic public IP. Configure this again afterwards.

        --
        Example Cloud
        You receive this because you are a contact of account acc-1001 (Lanting Studio).
        Questions: support@example.com
        "#);
}

#[test]
fn a_warning_reads_as_written_in_chinese() {
    let email =
        renderer().render_email(&notice("arrears", 2), &contact(), "zh-CN").expect("rendered");
    assert_eq!(email.subject, "Lanting Studio：账户余额已低于零");
    insta::assert_snapshot!(email.text, @r#"
        Li Wei，您好：

        账户 Lanting Studio 的余额为 -12.50 CNY，涉及 2 个按量计费资源。停止服务之前，资源仍可使用并继续计费。请在 2026-03-10 17:30 (UTC+8) 前充值，使余额大于零。

          账户余额：-12.50 CNY
          需充值：大于 12.50 CNY
          余额低于零的时间：2026-03-10 15:30 (UTC+8)

        请在 2026-03-10 17:30 (UTC+8) 前充值：
        https://console.example.com/billing

        如余额仍低于零

          2026-03-10 17:30 (UTC+8)：停止服务，数据保留。
          2026-03-25 17:30 (UTC+8)：释放资源。数据将被全部清除，且无法恢复。
          * web-ins-001 (ins-001, ap-guangzhou)
            需重新配置：负载均衡 lb-7、弹性公网 IP
          * web-ins-002 (ins-002, ap-guangzhou)
            需重新配置：负载均衡 lb-7、弹性公网 IP

        停止服务时将解除关联，恢复服务后不会自动还原：负载均衡、弹性公网 IP。恢复后请重新配置。

        余额大于零后，服务将自动恢复。已释放的资源无法恢复。

        --
        Example Cloud
        您收到此通知，是因为您是账户 acc-1001（Lanting Studio）的联系人。
        如有疑问：support@example.com
        "#);
}

#[test]
fn text_messages_read_as_written() {
    let renderer = renderer();
    let texts: Vec<String> = KINDS
        .iter()
        .flat_map(|kind| {
            [("en", 1), ("en", 50), ("zh", 1), ("zh", 50)].map(|(tag, count)| (kind, tag, count))
        })
        .map(|(kind, tag, count)| {
            let sms = renderer.render_sms(&notice(kind, count), &contact(), tag).expect(kind);
            format!("{} {} {}: {}", sms.encoding.name(), sms.units, sms.segments, sms.text)
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    GSM-7 219 2: Example Cloud: automatic renewal of web-ins-001. Please make sure that your account can be charged 128.00 CNY from 2026-03-10 08:00 (UTC+8) on. The term ends 2026-03-10 15:30 (UTC+8). https://console.example.com/billing
    GSM-7 253 2: Example Cloud: automatic renewal of 50 resources (web-ins-001, web-ins-002, +48). Please make sure that your account can be charged 6400.00 CNY from 2026-03-10 08:00 (UTC+8) on. The term ends 2026-03-10 15:30 (UTC+8). https://console.example.com/billing
    UCS-2 159 3: Example Cloud：您的 web-ins-001 已开启自动续费，将于 2026-03-10 15:30 (UTC+8) 到期。系统将于 2026-03-10 08:00 (UTC+8) 起扣款 128.00 CNY，请确保账户可正常扣款。https://console.example.com/billing
    UCS-2 182 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）已开启自动续费，将于 2026-03-10 15:30 (UTC+8) 到期。系统将于 2026-03-10 08:00 (UTC+8) 起扣款 6400.00 CNY，请确保账户可正常扣款。https://console.example.com/billing
    GSM-7 181 2: Example Cloud: web-ins-001 expires 2026-03-10 15:30 (UTC+8). Unless renewed, service stops then; data is deleted 2026-03-18 00:00 (UTC+8). Renew: https://console.example.com/billing
    GSM-7 213 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) expire 2026-03-10 15:30 (UTC+8). Unless renewed, service stops then; data is deleted 2026-03-18 00:00 (UTC+8). Renew: https://console.example.com/billing
    UCS-2 146 3: Example Cloud：您的 web-ins-001 将于 2026-03-10 15:30 (UTC+8) 到期。如未续费，到期时停止服务，2026-03-18 00:00 (UTC+8) 清除数据且无法恢复。续费：https://console.example.com/billing
    UCS-2 168 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）将于 2026-03-10 15:30 (UTC+8) 到期。如未续费，到期时停止服务，2026-03-18 00:00 (UTC+8) 清除数据且无法恢复。续费：https://console.example.com/billing
    GSM-7 268 2: Example Cloud: renewal payment for web-ins-001 could not be collected (attempt 2 of 5). Next attempt: 2026-03-10 08:00 (UTC+8). If not renewed, service stops 2026-03-25 15:30 (UTC+8); data is deleted 2026-04-09 15:30 (UTC+8). Renew: https://console.example.com/billing
    GSM-7 284 2: Example Cloud: renewal payment for 50 resources (web-ins-001, web-ins-002, +48) could not be collected. Next attempt: 2026-03-10 08:00 (UTC+8). If not renewed, service stops 2026-03-25 15:30 (UTC+8); data is deleted 2026-04-09 15:30 (UTC+8). Renew: https://console.example.com/billing
    UCS-2 192 3: Example Cloud：您的 web-ins-001 自动续费扣款失败（第 2 次，共 5 次）。下次扣款：2026-03-10 08:00 (UTC+8)。如未续费，将于 2026-03-25 15:30 (UTC+8) 停止服务，2026-04-09 15:30 (UTC+8) 清除数据且无法恢复。续费：https://console.example.com/billing
    UCS-2 201 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）自动续费扣款失败。下次扣款：2026-03-10 08:00 (UTC+8)。如未续费，将于 2026-03-25 15:30 (UTC+8) 停止服务，2026-04-09 15:30 (UTC+8) 清除数据且无法恢复。续费：https://console.example.com/billing
    GSM-7 182 2: Example Cloud: web-ins-001 expired 2026-03-10 15:30 (UTC+8). Data is kept until 2026-03-18 00:00 (UTC+8), then deleted for good. Renew to restore: https://console.example.com/billing
    GSM-7 215 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) expired 2026-03-10 15:30 (UTC+8). Data is kept until 2026-03-18 00:00 (UTC+8), then deleted for good. Renew to restore: https://console.example.com/billing
    UCS-2 142 3: Example Cloud：您的 web-ins-001 已于 2026-03-10 15:30 (UTC+8) 到期。数据保留至 2026-03-18 00:00 (UTC+8)，之后将清除且无法恢复。续费恢复：https://console.example.com/billing
    UCS-2 164 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）已于 2026-03-10 15:30 (UTC+8) 到期。数据保留至 2026-03-18 00:00 (UTC+8)，之后将清除且无法恢复。续费恢复：https://console.example.com/billing
    GSM-7 180 2: Example Cloud: balance of account Lanting Studio is 120.00 CNY, enough for about 3 days at the present rate. Top up to keep web-ins-001 running: https://console.example.com/billing
    GSM-7 213 2: Example Cloud: balance of account Lanting Studio is 120.00 CNY, enough for about 3 days at the present rate. Top up to keep 50 resources (web-ins-001, web-ins-002, +48) running: https://console.example.com/billing
    UCS-2 122 2: Example Cloud：账户 Lanting Studio 余额为 120.00 CNY，按当前用量约可使用 3 天。为使 web-ins-001 持续运行，请及时充值：https://console.example.com/billing
    UCS-2 144 3: Example Cloud：账户 Lanting Studio 余额为 120.00 CNY，按当前用量约可使用 3 天。为使 50 个资源（web-ins-001, web-ins-002 等）持续运行，请及时充值：https://console.example.com/billing
    GSM-7 211 2: Example Cloud: balance of account Lanting Studio is -12.50 CNY. Without a top-up, web-ins-001 stops 2026-03-10 17:30 (UTC+8); data is deleted 2026-03-25 17:30 (UTC+8). Top up: https://console.example.com/billing
    GSM-7 243 2: Example Cloud: balance of account Lanting Studio is -12.50 CNY. Without a top-up, 50 resources (web-ins-001, web-ins-002, +48) stop 2026-03-10 17:30 (UTC+8); data is deleted 2026-03-25 17:30 (UTC+8). Top up: https://console.example.com/billing
    UCS-2 170 3: Example Cloud：账户 Lanting Studio 余额为 -12.50 CNY。如未充值，web-ins-001 将于 2026-03-10 17:30 (UTC+8) 停止服务，2026-03-25 17:30 (UTC+8) 清除数据且无法恢复。充值：https://console.example.com/billing
    UCS-2 192 3: Example Cloud：账户 Lanting Studio 余额为 -12.50 CNY。如未充值，50 个资源（web-ins-001, web-ins-002 等）将于 2026-03-10 17:30 (UTC+8) 停止服务，2026-03-25 17:30 (UTC+8) 清除数据且无法恢复。充值：https://console.example.com/billing
    GSM-7 214 2: Example Cloud: web-ins-001 was released 2026-03-18 15:30 (UTC+8) because payment did not arrive in time. The data on it is deleted and cannot be recovered. What is kept may cost: https://console.example.com/billing
    GSM-7 250 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) were released 2026-03-18 15:30 (UTC+8) because payment did not arrive in time. The data on them is deleted and cannot be recovered. What is kept may cost: https://console.example.com/billing
    UCS-2 128 2: Example Cloud：您的 web-ins-001 因未及时续费或充值，已于 2026-03-18 15:30 (UTC+8) 释放，数据已清除且无法恢复。保留的内容可能产生费用：https://console.example.com/billing
    UCS-2 150 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）因未及时续费或充值，已于 2026-03-18 15:30 (UTC+8) 释放，数据已清除且无法恢复。保留的内容可能产生费用：https://console.example.com/billing
    GSM-7 213 2: Example Cloud: web-ins-001 was stopped 2026-03-10 15:30 (UTC+8) because it was not renewed. Data is kept until 2026-03-25 10:00 (UTC+8), then deleted for good. Renew to restore: https://console.example.com/billing
    GSM-7 250 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) were stopped 2026-03-10 15:30 (UTC+8) because they were not renewed. Data is kept until 2026-03-25 10:00 (UTC+8), then deleted for good. Renew to restore: https://console.example.com/billing
    UCS-2 151 3: Example Cloud：您的 web-ins-001 因到期未续费，已于 2026-03-10 15:30 (UTC+8) 停止服务。数据保留至 2026-03-25 10:00 (UTC+8)，之后将清除且无法恢复。续费恢复：https://console.example.com/billing
    UCS-2 173 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）因到期未续费，已于 2026-03-10 15:30 (UTC+8) 停止服务。数据保留至 2026-03-25 10:00 (UTC+8)，之后将清除且无法恢复。续费恢复：https://console.example.com/billing
    GSM-7 160 1: Example Cloud: web-ins-001 will be released 2026-03-25 10:00 (UTC+8); the data on it is deleted for good. Renew before then: https://console.example.com/billing
    GSM-7 195 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) will be released 2026-03-25 10:00 (UTC+8); the data on them is deleted for good. Renew before then: https://console.example.com/billing
    UCS-2 117 2: Example Cloud：您的 web-ins-001 将于 2026-03-25 10:00 (UTC+8) 释放，届时数据将清除且无法恢复。如需保留，请续费：https://console.example.com/billing
    UCS-2 139 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）将于 2026-03-25 10:00 (UTC+8) 释放，届时数据将清除且无法恢复。如需保留，请续费：https://console.example.com/billing
    GSM-7 69 1: Example Cloud: web-ins-001 is renewed until 2026-03-10 15:30 (UTC+8).
    GSM-7 103 1: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) are renewed until 2026-03-10 15:30 (UTC+8).
    UCS-2 63 1: Example Cloud：您的 web-ins-001 已续费，可使用至 2026-03-10 15:30 (UTC+8)。
    UCS-2 85 2: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）已续费，可使用至 2026-03-10 15:30 (UTC+8)。
    GSM-7 170 2: Example Cloud: web-ins-001 is in service again since 2026-03-10 15:30 (UTC+8). To configure again: load balancer and elastic public IP. Please check the network settings.
    GSM-7 204 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) are in service again since 2026-03-10 15:30 (UTC+8). To configure again: load balancer and elastic public IP. Please check the network settings.
    UCS-2 89 2: Example Cloud：您的 web-ins-001 已于 2026-03-10 15:30 (UTC+8) 恢复服务。请重新配置：负载均衡、弹性公网 IP。请检查网络设置。
    UCS-2 111 2: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）已于 2026-03-10 15:30 (UTC+8) 恢复服务。请重新配置：负载均衡、弹性公网 IP。请检查网络设置。
    GSM-7 218 2: Example Cloud: web-ins-001 was terminated 2026-03-10 15:30 (UTC+8) as requested. Can be restored until 2026-03-17 15:30 (UTC+8), then data is deleted. What is kept may cost. Not you? https://console.example.com/billing
    GSM-7 252 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) were terminated 2026-03-10 15:30 (UTC+8) as requested. Can be restored until 2026-03-17 15:30 (UTC+8), then data is deleted. What is kept may cost. Not you? https://console.example.com/billing
    UCS-2 159 3: Example Cloud：您的 web-ins-001 已按您的请求于 2026-03-10 15:30 (UTC+8) 销毁，可在 2026-03-17 15:30 (UTC+8) 前恢复，之后数据将清除。保留的内容可能产生费用。如非本人操作：https://console.example.com/billing
    UCS-2 181 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）已按您的请求于 2026-03-10 15:30 (UTC+8) 销毁，可在 2026-03-17 15:30 (UTC+8) 前恢复，之后数据将清除。保留的内容可能产生费用。如非本人操作：https://console.example.com/billing
    GSM-7 154 1: Example Cloud: as requested, web-ins-001 will be terminated 2026-03-10 15:30 (UTC+8). Data is deleted then. To cancel: https://console.example.com/billing
    GSM-7 187 2: Example Cloud: as requested, 50 resources (web-ins-001, web-ins-002, +48) will be terminated 2026-03-10 15:30 (UTC+8). Data is deleted then. To cancel: https://console.example.com/billing
    UCS-2 126 2: Example Cloud：您的 web-ins-001 已按您的请求设置定时销毁，将于 2026-03-10 15:30 (UTC+8) 执行，届时数据将清除且无法恢复。如需取消：https://console.example.com/billing
    UCS-2 148 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）已按您的请求设置定时销毁，将于 2026-03-10 15:30 (UTC+8) 执行，届时数据将清除且无法恢复。如需取消：https://console.example.com/billing
    GSM-7 188 2: Example Cloud: web-ins-001 was returned 2026-03-10 15:30 (UTC+8) as requested. Refund: 128.00 CNY. Data is kept until 2026-03-17 15:30 (UTC+8). Not you? https://console.example.com/billing
    GSM-7 232 2: Example Cloud: 50 resources (web-ins-001, web-ins-002, +48) were returned 2026-03-10 15:30 (UTC+8) as requested. Refund in total: 6400.00 CNY. Data is kept until 2026-03-17 15:30 (UTC+8). Not you? https://console.example.com/billing
    UCS-2 152 3: Example Cloud：您的 web-ins-001 已按您的请求于 2026-03-10 15:30 (UTC+8) 退还，退款 128.00 CNY。数据保留至 2026-03-17 15:30 (UTC+8)。如非本人操作：https://console.example.com/billing
    UCS-2 177 3: Example Cloud：您的 50 个资源（web-ins-001, web-ins-002 等）已按您的请求于 2026-03-10 15:30 (UTC+8) 退还，退款合计 6400.00 CNY。数据保留至 2026-03-17 15:30 (UTC+8)。如非本人操作：https://console.example.com/billing
    "#);
}

#[test]
fn a_text_message_never_takes_more_than_three_parts() {
    let renderer = renderer();
    for kind in KINDS {
        for tag in ["en", "zh"] {
            for name in ["云主机".repeat(40), "[€]".repeat(40), "😀".repeat(80)] {
                let mut notice = notice(kind, 50);
                notice.account_name = Some(name.clone());
                notice.items.iter_mut().for_each(|item| item.name = Some(name.clone()));
                let sms = renderer.render_sms(&notice, &contact(), tag).expect(kind);
                assert!(sms.segments <= 3, "{kind} {tag}: {}", sms.text);
            }
            let sms = renderer.render_sms(&notice(kind, 50), &contact(), tag).expect(kind);
            for unfit in ["催", "¥", "【", "{{"] {
                assert!(!sms.text.contains(unfit), "{kind} {tag}: {}", sms.text);
            }
        }
    }
}

#[test]
fn names_are_escaped_in_html_and_nowhere_else() {
    let mut notice = notice("expired", 1);
    notice.items[0].name = Some("<b>\"R&D\"</b>\nx".to_owned());
    let email = renderer().render_email(&notice, &contact(), "en").expect("rendered");
    assert!(email.html.contains("&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt; x"), "{}", email.html);
    assert!(!email.html.contains("<b>\""));
    assert!(email.text.contains("<b>\"R&D\"</b> x (ins-001"), "{}", email.text);
    assert!(email.subject.starts_with("<b>\"R&D\"</b> x expired"), "{}", email.subject);
    let sms = renderer().render_sms(&notice, &contact(), "en").expect("rendered");
    assert!(sms.text.contains("<b>\"R&D\"</b> x"), "{}", sms.text);
}

#[test]
fn html_stays_below_what_readers_cut_and_loads_nothing() {
    let renderer = renderer();
    for kind in KINDS {
        let html = renderer.render_email(&notice(kind, 500), &contact(), "zh").expect(kind).html;
        assert!(html.len() < 102_000, "{kind}: {}", html.len());
        for remote in ["<img", "src=", "@import", "url(", "<script", "#fff;", "#ffffff", "#000"] {
            assert!(!html.contains(remote), "{kind}: {remote}");
        }
        assert!(
            html.contains("name=\"color-scheme\"") && html.contains("prefers-color-scheme:dark")
        );
        assert!(html.contains("450"), "{kind}: the other 450 are counted");
    }
}

#[test]
fn an_error_names_file_line_and_column_and_no_data() {
    let error = with("en/expired/sms.txt", "one\ntwo {{date loss}}")
        .render_sms(&notice("expired", 1), &contact(), "en")
        .expect_err("no such variable");
    let shown = error.to_string();
    assert_eq!(
        shown,
        "notice `expired`: templates/en/expired/sms.txt.hbs:2:5: `date` takes a moment; `loss` is none or is absent"
    );
    let empty = with("en/expired/subject.txt", "{{#if (eq count 0)}}x{{/if}}")
        .render_email(&notice("expired", 1), &contact(), "en")
        .expect_err("empty");
    assert_eq!(
        empty.to_string(),
        "notice `expired`: templates/en/expired/subject.txt.hbs renders to nothing"
    );
    let long = with("en/expired/sms.txt", &"Pay. ".repeat(200))
        .render_sms(&notice("expired", 1), &contact(), "en")
        .expect_err("long");
    assert_eq!(
        long.to_string(),
        "notice `expired`: templates/en/expired/sms.txt.hbs takes 7 parts"
    );
}

#[test]
fn a_notice_that_lacks_what_it_is_about_is_not_rendered() {
    let mut warning = notice("balance-warning", 1);
    warning.balance = None;
    let error = renderer().render_email(&warning, &contact(), "en").expect_err("no balance");
    assert_eq!(error.to_string(), "notice `balance-warning`: it has no `balance`");
    let unknown = notice("not-yet-thought-of", 1);
    let error = renderer().render_sms(&unknown, &contact(), "fr").expect_err("no template");
    assert_eq!(
        error.to_string(),
        "notice `not-yet-thought-of`: no sms.txt template for `fr`, nor for the default locale"
    );
    let mut lost = notice("expired", 1);
    lost.zone = "Nowhere".to_owned();
    let error = renderer().render_sms(&lost, &contact(), "en").expect_err("no zone");
    assert_eq!(error.to_string(), "notice `expired`: `Nowhere` is not a time zone");
}

#[test]
fn arrears_are_told_also_where_the_balance_is_not_known() {
    let mut arrears = notice("arrears", 1);
    arrears.balance = None;
    for (locale, words) in [("en", "below zero"), ("zh", "已低于零")] {
        let email = renderer().render_email(&arrears, &contact(), locale).expect(locale);
        let sms = renderer().render_sms(&arrears, &contact(), locale).expect(locale);
        for text in [&email.text, &email.html, &sms.text] {
            assert!(text.contains(words), "{text}");
            assert!(!text.contains("CNY") && !text.contains('¥'), "no amount: {text}");
        }
    }
}

#[test]
fn a_brand_has_a_name_and_a_link_that_is_one() {
    let start =
        |brand| Renderer::new(Templates::shipped(), "en", brand, Limits::default()).map(|_| ());
    assert_eq!(start(Brand { name: " ".to_owned(), ..brand() }), Err(StartError::BrandName));
    for url in ["javascript:alert(1)", "console.example.com", "https://x y", ""] {
        let brand = Brand { console_url: url.to_owned(), ..brand() };
        assert_eq!(start(brand), Err(StartError::ConsoleUrl));
    }
    let none = Renderer::new(Templates::shipped(), "xx", brand(), Limits::default()).map(|_| ());
    assert_eq!(none, Err(StartError::DefaultLocale("xx".to_owned())));
}

#[test]
fn what_a_kind_never_has_is_not_said_even_if_the_notice_holds_it() {
    let mut arrears = notice("arrears", 1);
    arrears.items[0].price = Some(crate::render::fixture::money("128"));
    let email = renderer().render_email(&arrears, &contact(), "en").expect("rendered");
    assert!(!email.text.contains("128.00") && !email.html.contains("128.00"), "{}", email.text);
    let mut reclaimed = notice("reclaimed", 1);
    reclaimed.items[0].detached = notice("expired", 1).items[0].detached.clone();
    let email = renderer().render_email(&reclaimed, &contact(), "en").expect("rendered");
    assert!(!email.text.contains("load balancer"), "{}", email.text);
}
