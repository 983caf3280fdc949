"""Chinese words of the sample operator's year of contacts and promises. Data only."""

# Topic code -> kind of contact, and what was noted.
CONTACTS = {
    "BILLING.AMOUNT": (
        "CONSULT",
        ("咨询本月账单金额，已逐项解释。", "对话费金额有疑问，核对后无误。", "询问上月话费为何升高，已说明。"),
    ),
    "BILLING.UNKNOWN_DEDUCTION": ("COMPLAINT", ("反映有不明扣费，已登记核查。", "称未订购的业务扣费，需核实。")),
    "BILLING.VAS_FEE": ("CONSULT", ("咨询增值业务收费，已按要求退订。", "询问视频彩铃费用。")),
    "BILLING.REFUND": ("SUPPORT", ("申请退还重复缴纳的话费。", "询问退费进度。")),
    "PRODUCT.RULES": ("CONSULT", ("咨询套餐内流量规则。", "询问换更低档位套餐的条件。", "了解家庭共享流量。")),
    "PRODUCT.CONTRACT": ("CONSULT", ("询问合约到期时间。", "咨询合约期内能否改套餐。")),
    "NETWORK.COVERAGE": ("FAULT", ("反映家中信号弱，已记录地址。", "地下车库没有信号，需要现场测试。")),
    "NETWORK.SPEED": ("FAULT", ("晚上网速慢，已指导重启光猫。", "反映视频卡顿，测速低于签约速率。")),
    "NETWORK.FAULT": ("FAULT", ("宽带断网，已派单。", "光猫指示灯红灯，预约上门。")),
    "SERVICE.WAITING": ("SUGGESTION", ("建议营业厅周末增加窗口。", "反映热线等候时间长。")),
    "SERVICE.ATTITUDE": ("PRAISE", ("表扬营业员服务热情。",)),
    "ACCOUNT.IDENTITY": ("SUPPORT", ("补登记实名信息。", "更新过期的身份证件。")),
    "ACCOUNT.TRANSFER": ("SUPPORT", ("咨询过户所需材料。",)),
    "ACCOUNT.PORTING": ("CONSULT", ("咨询携号转网条件，已按规定告知。",)),
    "PRIVACY.NUISANCE": ("COMPLAINT", ("反映收到骚扰电话，已开通防护。",)),
    "ROAMING": ("CONSULT", ("出境前咨询国际漫游资费。", "省外漫游流量使用情况咨询。")),
    "POINTS": ("CONSULT", ("查询积分并咨询兑换。",)),
}  # fmt: skip
WEIGHTS = {
    "BILLING.AMOUNT": 20, "BILLING.UNKNOWN_DEDUCTION": 7, "BILLING.VAS_FEE": 8, "BILLING.REFUND": 4,
    "PRODUCT.RULES": 16, "PRODUCT.CONTRACT": 6, "NETWORK.COVERAGE": 5, "NETWORK.SPEED": 7, "NETWORK.FAULT": 9,
    "SERVICE.WAITING": 2, "SERVICE.ATTITUDE": 1, "ACCOUNT.IDENTITY": 5, "ACCOUNT.TRANSFER": 2, "ACCOUNT.PORTING": 2,
    "PRIVACY.NUISANCE": 2, "ROAMING": 3, "POINTS": 4,
}  # fmt: skip
CALLBACKS = ("回复核查结果", "告知退费到账情况", "确认网络是否恢复", "回复套餐变更建议", "确认上门时间")
CARE_CALLS = ("合约到期前关怀", "套餐使用情况回访", "新入网满月回访")
VISITS = ("季度拜访", "专线扩容需求沟通", "合同续签面谈", "企业宽带使用回访")
TASKS = ("补齐客户档案资料", "更新联系人信息")
RESULTS = ("已联系客户，客户满意。", "已告知处理结果。", "客户表示问题已解决。", "客户同意方案。")
RIGHTS = (
    ("ACCESS", "ID_DOCUMENT", "想知道贵公司保存了我的哪些信息。"),
    ("DELETE", "ID_DOCUMENT", "不再使用贵公司业务，请删除我的个人信息。"),
    ("EXPLAIN", "NONE", "为什么没有收到优惠活动短信？"),
)
WISHES = ("周末增开两个窗口", "热线增加等候时长播报", "营业厅增设自助终端")
# Channel, name in Chinese, name in English, number or link.
PLACES = (
    ("HOTLINE", "客户服务热线", "Customer hotline", "10000"),
    ("WEB", "网上营业厅", "Online hall", "https://hall.example"),
    ("APP", "掌上营业厅", "Mobile app", ""),
    ("SOCIAL", "官方微博", "Official microblog", "https://social.example/careline"),
    ("IM", "官方微信", "Official messenger account", ""),
)
