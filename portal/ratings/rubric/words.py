"""The words in which offices read and type a rubric: one Chinese word per setting, and per value of a setting.

They stand in workbooks and in the fields of the editor, whatever the reader's language, and must never change their
meaning: sheets that offices keep for years are read by them. The names of the YAML file are understood beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

SETTINGS = {
    "about": "评谁", "above": "超过", "add": "加减星", "against": "与基数比", "all": "同时满足",
    "allow_relative": "允许校际比较", "always_applies": "一律适用", "among": "在其中", "anchors": "参照分",
    "any": "满足其一", "applies_when": "适用条件", "at_least": "至少", "at_least_times": "每人至少次数", "bands": "各档",
    "below": "未达最低档", "between_rows": "介于两行之间", "bonus": "加分项", "by": "降星数", "by_stage": "按学段",
    "cap": "合计上限", "cases": "算例", "ceiling": "总分上限", "children": "下级", "columns": "评分栏", "combine": "合成方式",
    "combine_status": "合成方式依据", "components": "各部分", "conditions": "条件", "counts": "计入", "coverage": "原文范围",
    "cuts": "名次分档", "date_that_counts": "以何日期为准", "days": "迟交天数", "decide_on": "按何总分定级",
    "decimals": "小数位数", "deduct": "扣分", "deductions": "扣分项", "denominator": "分母", "discuss_above": "分差须商议",
    "due_on": "截止日期", "each": "每次都扣", "effect": "后果", "else": "其余", "en": "英文", "eq": "等于",
    "evidence": "佐证", "evidence_required": "无佐证不得分", "expect": "应得结果", "fact": "事实", "factor": "乘以",
    "families_below": "家庭数少于", "floor": "最低分", "from_count": "从第几次起", "from_item": "取自指标", "full_at": "满分均值",
    "gate": "门槛", "gates": "前置条件", "ge": "不低于", "grade": "等次", "grade_count": "该等次的项数",
    "grade_points": "各等得分", "grade_share": "该等次的占比", "grades": "本级等次", "gt": "高于", "how": "扣法", "id": "编号",
    "if_below": "数量太少时", "if_empty": "没有数据时", "if_gate_fails": "答卷不够时", "in": "属于", "indicators": "指标",
    "inputs": "数据", "is": "为", "items": "所列项目", "jurisdiction": "地区", "kind": "类型", "late": "迟交得分",
    "later": "再迟得分", "le": "不高于", "levels": "各等级", "limits": "限制", "lt": "低于", "max": "最高", "max_downgrade": "最多降",
    "max_upgrade": "最多升", "may_exceed_one": "可超过百分之百", "measure": "看什么", "met": "达到", "metric": "计数名称",
    "min": "最少", "min_points": "得分不低于", "min_share": "得分率不低于", "min_share_each_domain": "各领域得分率不低于",
    "min_shares": "指定指标得分率", "min_total": "总分不低于", "minimum_group": "最少学校数", "minimum_n": "最少数量",
    "minimum_rate": "最低答卷率", "missing": "未见部分", "missing_input": "未填时", "mode": "取整方法", "most": "最多",
    "never": "未交得分", "not": "不满足", "not_applicable": "不适用时", "note": "说明", "notes": "备注", "nothing_below": "低于此数不得分",
    "number": "人数", "numerator": "分子", "of": "取值", "only_anchors": "只能给参照分", "outside_table": "超出表格范围",
    "part_units": "不足一个单位", "per": "每单位分值", "period": "周期", "points": "得分", "points_status": "分值依据",
    "procedure": "程序", "ranks": "星级标准", "rating": "评级项", "ratings": "评级项列表", "ratio_decimals": "比例小数位",
    "reliability": "可靠程度", "requires": "还须满足", "result": "定级", "role": "角色", "rounding": "取整", "rule": "规则",
    "sample": "抽查", "scale": "量程", "schema": "格式版本", "school": "学校情况", "scorers": "评分人", "several_periods": "多个周期",
    "several_stages": "多个学段", "several_targets": "多个目标", "share": "比例", "share_of_points": "占本项比例",
    "shrink_k": "收缩份数", "side": "哪边扣分", "size": "规模", "small_school": "小规模学校", "source": "数据来源", "sources": "出处",
    "special": "另扣情形", "standard": "评分标准", "star": "星", "start": "起点", "status": "依据", "step": "最小一级",
    "steps": "各级", "table": "规模表", "take": "取几项", "target": "目标", "targets": "目标值", "tiers": "获奖层级", "title": "名称",
    "top_share": "前列比例", "total": "满分", "unclear": "原文不明", "unit": "单位", "unit_size": "单位大小",
    "unstated_split": "未写明分法", "url": "网址", "validity_years": "有效年数", "vetoes": "否决项", "weight": "权重", "what": "内容",
    "when": "何时", "year": "年份", "zero_at": "零分均值", "zh-Hans": "简体", "zh-Hant": "繁体",
}  # fmt: skip

KINDS = {
    "binary": "达到得满分", "checklist": "分部分得分", "judged": "评审评定", "level_scale": "分等级",
    "count_threshold": "按次数", "prorata": "按比例折算", "points_per_unit": "每个单位得分", "ratio_bands": "按比例分档",
    "deduct_per_missing": "缺一项扣分", "deduct_per_unit": "差一个单位扣分", "lookup_by_size": "按规模查表",
    "quota_by_role": "按角色定额", "award_tiers": "按获奖层级", "gate": "前置条件", "all_of": "全部满足",
    "block_abc": "甲乙丙条款", "survey_mean": "问卷均分", "sample_check": "抽查合格率", "relative_cut_points": "按名次",
    "deadline": "按时上报",
}  # fmt: skip

_SPARED = {"not_applicable": "不适用", "full_points": "得满分", "no_points": "不得分"}
_PARTS = {"down": "舍去", "up": "进一", "exact": "按实折算"}
_STATUS = {"stated": "写明", "inferred": "推断", "unclear": "有歧义", "unknown": "不明"}
_SIDES = {"below": "不足扣分", "above": "超出扣分"}
VALUES: dict[str, dict[str, str]] = {
    "kind": KINDS | {"points_to_stars": "按总分定星", "star_adjust": "星级加减", "none": "不定级"},
    "coverage": {"full": "全文", "partial": "部分", "header_only": "只见标题"},
    "not_applicable": {
        "rescale_domain": "领域内折算", "rescale_parent": "上级内折算", "shrink": "减少满分",
        "full_points": "得满分", "no_points": "不得分",
    },
    "missing_input": {"leave_out": "先不计", "no_points": "不得分"},
    "combine": {
        "sum": "相加", "sum_capped": "相加封顶", "scaled": "相加折算", "weighted": "按权重", "mean": "取平均",
        "highest": "取最高", "lowest": "取最低", "best": "取最好几项", "max": "只取最高", "median": "取中位",
        "trimmed_mean": "去极值平均",
    },
    "mode": {"half_up": "四舍五入", "half_even": "四舍六入五成双", "half_down": "五舍六入", "up": "进位", "down": "舍位"},
    "rounding": {"up": "进位", "down": "舍位", "half_up": "四舍五入"},
    "when": {"items": "各项", "domains": "各领域", "total": "总分"},
    "measure": {"points": "得分", "share": "得分率", "star": "星级", "ratio": "比例"},
    "unstated_split": {"equal": "平均", "judged": "合并评定"},
    "several_periods": {"lowest": "取最低", "highest": "取最高", "mean": "取平均", "sum": "相加"},
    "several_stages": {"strictest": "从严", "mildest": "从宽"},
    "several_targets": {"sum": "相加", "largest": "取最大"},
    "of": {"count": "次数", "ratio": "比例"},
    "part_units": _PARTS,
    "if_below": _SPARED, "if_empty": _SPARED, "if_gate_fails": _SPARED,
    "side": _SIDES,
    "between_rows": {"smaller": "按较小一行", "larger": "按较大一行", "not_given": "不判定"},
    "outside_table": {"nearest": "按最近一行", "not_given": "不判定"},
    "how": {"per_unit": "按单位", "once": "一次"},
    "points_status": _STATUS, "combine_status": _STATUS, "status": _STATUS,
    "decide_on": {"rounded": "取整后", "exact": "取整前"},
    "effect": {
        "exclude": "取消资格", "zero_item": "该项零分", "multiply": "打折", "deduct": "扣分", "cap_total": "总分封顶",
        "cap_star": "星级封顶", "cap_grade": "等次封顶", "lower_star": "降星", "cap_rating": "评级封顶",
    },
    "period": {"round": "本轮", "term": "学期", "school_year": "学年", "year": "年", "month": "月", "week": "周"},
    "evidence": {
        "documents": "查阅资料", "on_site": "实地察看", "measure": "实地测量", "meeting_minutes": "会议记录",
        "activity_records": "活动记录", "sign_in": "签到表", "photos": "照片", "records": "记录", "interviews": "座谈",
        "visit_records": "家访记录", "platform_statistics": "平台统计", "feedback_forms": "意见反馈表",
        "certificates": "证书", "parent_survey": "家长问卷", "survey_or_interview": "问卷或座谈",
    },
}  # fmt: skip

# Settings inside which names are free: ids, measures, the facts of worked cases. Only stages have words there.
FREE: dict[str, dict[str, str]] = {
    "by_stage": {
        "kindergarten": "幼儿园", "primary": "小学", "junior": "初中", "senior": "高中", "vocational": "中职",
        "special": "特殊教育",
    },
    "inputs": {}, "expect": {},
}  # fmt: skip

YES, NO, NOTHING = "是", "否", "无"
SETTING_OF = {word: name for name, word in SETTINGS.items()}
VALUE_OF = {setting: {word: name for name, word in words.items()} for setting, words in VALUES.items()}
_TRADITIONAL = str.maketrans(
    "佔併來個備兒內兩則劃動區參問單嚴圍園報夠學實審寫寬層屬幾後從應捨據數斷於時書會條極標檔檻欄權決沒況減測準滿為無爲獎獨獲稱積範簡簽"
    "級結給統網編縣縮總義職臺與處號見規計記訪許註評該說説誰談證議費資較輪週進過達違適遲還邊錄長門間閱閲際雙頂項須領題額類餘饋體麼點",
    "占并来个备儿内两则划动区参问单严围园报够学实审写宽层属几后从应舍据数断于时书会条极标档槛栏权决没况减测准满为无为奖独获称积范简签"
    "级结给统网编县缩总义职台与处号见规计记访许注评该说说谁谈证议费资较轮周进过达违适迟还边录长门间阅阅际双顶项须领题额类余馈体么点",
)
"""The traditional characters of these words, one for one; a test makes them again."""


_SPELLED = {plain: letter for letter, plain in reversed(_TRADITIONAL.items())}


def simplified(word: str) -> str:
    """A word as it stands in the tables above, whichever characters it was typed in."""
    return word.translate(_TRADITIONAL)


def traditional(word: str) -> str:
    """A word of the tables above in traditional characters, one for one."""
    return word.translate(_SPELLED)


def names_of(table: Mapping[str, str]) -> dict[str, str]:
    """Word → name of a table."""
    return {word: name for name, word in table.items()}


# One example of each kind of rule, as it stands in a cell: what an editor begins with.
EXAMPLES = {
    "binary": "达到得满分",
    "checklist": "分部分得分\n各部分：编号 a，内容 有制度，得分 2；编号 b，内容 有记录，得分 2",
    "judged": "评审评定\n参照分：0；1；2；3；4\n只能给参照分：是",
    "level_scale": "分等级\n各等级：编号 a，内容 好，得分 4；编号 b，内容 较好，得分 3；编号 c，内容 一般，得分 1",
    "count_threshold": "按次数\n周期：学期\n各级：不低于 2，得分 4；不低于 1，得分 2",
    "prorata": "按比例折算\n目标：8\n周期：学年",
    "points_per_unit": "每个单位得分\n每单位分值：1",
    "ratio_bands": "按比例分档\n各档：不低于 0.95，得分 4；不低于 0.8，得分 2；其余，得分 0",
    "deduct_per_missing": "缺一项扣分\n每单位分值：1\n所列项目：编号 a，内容 章程；编号 b，内容 计划",
    "deduct_per_unit": "差一个单位扣分\n每单位分值：1",
    "lookup_by_size": "按规模查表\n规模：classes\n规模表：规模 6，目标值：（面积：2700）；规模 12，目标值：（面积：4680）\n扣分：看什么 面积，扣分 4，扣法 一次；",
    "quota_by_role": "按角色定额\n目标值：编号 a，内容 家访，比例 2/3；\n取整：进位\n每单位分值：1",
    "award_tiers": "按获奖层级\n获奖层级：编号 a，内容 县级，得分 2；编号 b，内容 市级，得分 4\n合成方式：只取最高",
    "gate": "前置条件\n内容：园舍独立",
    "all_of": "全部满足\n条件：有制度；有记录",
    "block_abc": "甲乙丙条款\nA：编号 a，内容 有规划；\nC：编号 b，内容 违规收费；",
    "survey_mean": "问卷均分\n零分均值：60\n满分均值：90",
    "sample_check": "抽查合格率\n抽查：比例 0.1，至少 10\n各档：不低于 0.95，得分 4；不低于 0.8，得分 2；其余，得分 0",
    "relative_cut_points": "按名次\n名次分档：前列比例 0.2，得分 4；前列比例 1，得分 2",
    "deadline": "按时上报\n截止日期：2027-06-30\n迟交得分：迟交天数 3，得分 2；",
}
