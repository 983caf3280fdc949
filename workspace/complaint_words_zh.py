"""Chinese words of the sample operator's complaints. Data only."""

from __future__ import annotations

from typing import NamedTuple


class Story(NamedTuple):
    """What a customer says, wants, what was found, why it came about, and what the answer was."""

    topic: str
    text: str
    demand: str
    finding: str
    cause: str
    answer: str
    amount: str = ""
    measure: str = "EXPLAIN"
    path: str = "SIMPLE"


STORIES = (
    Story("BILLING.UNKNOWN_DEDUCTION", "上个月账单里多出一项视频包费用，我从来没有订购过，客服说不清楚是怎么开通的。",
          "退还费用并说明是谁开通的", "系统中没有本人确认的订购记录。", "BILLING.NOT_ORDERED",
          "经核查没有您的确认记录，视频包已关闭，费用全额退还，下月账单可查。", "36.00", "REFUND"),
    Story("BILLING.AMOUNT", "套餐是 59 元，可这个月扣了 97 元，打电话问了两次都说没问题，我不认可。",
          "按套餐重新计费", "流量超出套餐后按量计费，提醒短信没有发送成功。", "BILLING.RATING",
          "超出部分因提醒未送达，按套餐外最低资费重新计算，差额已退。", "38.00", "REFUND"),
    Story("NETWORK.COVERAGE", "小区 6 号楼地下一层完全没有信号，报过三次都说在优化，电话根本打不通。",
          "给一个明确的解决时间", "现场测试弱覆盖，需新增室分设备。", "NETWORK.COVERAGE",
          "已列入建设计划，计划一个月内完成室内分布建设，期间减免月租。", "20.00", "WAIVER", "WORKS"),
    Story("NETWORK.SPEED", "办的 500 兆宽带，晚上测速不到 60 兆，看视频一直卡，师傅上门也没解决。",
          "恢复到签约速率", "小区分光器端口拥塞。", "NETWORK.CAPACITY",
          "已调整端口并复测达标，晚高峰速率恢复正常。", "", "FIX", "CROSS_UNIT"),
    Story("SERVICE.ATTITUDE", "营业厅排队四十分钟，轮到我时工作人员一直看手机，说话很不耐烦。",
          "要求道歉", "调取录像属实。", "PEOPLE.ATTITUDE",
          "我们为当天的服务向您道歉，当事人已接受培训。", "", "APOLOGY"),
    Story("PRODUCT.ADVERTISING", "宣传说首年每月 39 元，办完才告诉我第七个月恢复原价，这是误导。",
          "按宣传价格执行满一年", "宣传单未标明期限。", "PRODUCT.ADVERTISING",
          "按宣传价格为您执行满十二个月，宣传单已停用。", "120.00", "REFUND"),
    Story("SERVICE.PROMISE_BROKEN", "答应三天内退还预存款，一周了还没有到账，每次打电话都让我再等等。",
          "马上退款", "退款单被退回后无人跟进。", "PROCESS.HANDOVER",
          "款项今天已退回原账户，并补偿话费 20 元。", "20.00", "COMPENSATION"),
    Story("CHANNEL.SALE_WITHOUT_CONSENT", "代理点没问过我就给父亲换了贵的套餐，老人不会用，要求恢复。",
          "恢复原套餐、退差价", "代理点无本人签字。", "CHANNEL.AGENT",
          "已恢复原套餐，差价退还，代理点已停业整改。", "90.00", "REFUND"),
    Story("INSTALL.DELAY", "约好周六装宽带，等了一天没人来也没人打电话，孩子要上网课。",
          "尽快上门并说明原因", "派单系统漏派。", "PROCESS.SYSTEM",
          "师傅已上门装好，并按规定补偿您的误工。", "50.00", "COMPENSATION"),
    Story("PRIVACY.NUISANCE", "每天收到好几条推广短信，回复退订也没有用，很烦。",
          "不再收到任何推广", "退订未同步到合作平台。", "PRIVACY.NUISANCE",
          "已对您的号码关闭全部推广，合作平台也已同步。"),
    Story("BILLING.LATE_FEE", "我一直是自动扣款，银行卡换了才没扣成，没人通知就收了违约金。",
          "免除违约金", "扣款失败短信发到旧号码。", "BILLING.PAYMENT",
          "违约金已免除，并更新了您的通知号码。", "12.60", "WAIVER"),
    Story("ACCOUNT.PORTING", "查询携号转网说有合约不能转，可合约上个月就到期了。",
          "解除合约限制", "合约到期后系统标志未清除。", "PROCESS.SYSTEM",
          "合约标志已清除，您现在可以办理，请以查询结果为准。"),
)  # fmt: skip
CONTACTED = ("已电话联系客户，说明正在核查，约定答复时间。", "与客户通话，补充了日期和地点。")
SAID = ("满意，谢谢。", "解决了，希望以后快一点。", "问题解决了，过程有点慢。", "可以接受。")
NOT_SOLVED = "费用还没有退到账上。"
DISPUTED = "补偿太少，我不同意这个处理结果。"
LESSON = "提醒未送达时应换渠道再次提醒。"
ASK = "请核对该客户近两个月的业务订购与计费记录，说明依据。"
FOUND = "已核对，附后台截图编号，结论见上。"
PAUSED = "客户外出，约定回来后再联系。"
URGED = "怎么还没有答复？请尽快处理。"
