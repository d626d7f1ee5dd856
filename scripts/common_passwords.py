"""The list of passwords that everybody tries first, written anew into `portal/accounts/common_passwords.txt`.

    .venv/bin/python scripts/common_passwords.py

Our own list: words, names, pinyin, digits and walks over the keyboard that stand at the head of every published list of
leaked passwords, and the ways in which people lengthen them. Lower case; the portal compares without regard to case.
"""

import itertools
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "portal/accounts/common_passwords.txt"

WORDS = """
password passw0rd p@ssword p@ssw0rd pass admin administrator root user guest test demo login welcome letmein master
superman batman spiderman dragon monkey football baseball basketball soccer hockey tennis golf shadow sunshine princess
iloveyou loveyou lovely love angel flower butterfly purple orange banana apple cherry cookie chocolate cheese pepper
ginger summer winter spring autumn michael jennifer jordan hunter daniel andrew joshua jessica ashley nicole amanda
charlie thomas robert william george matthew anthony david james john richard joseph steven kevin brian jason justin
maggie buster tigger killer trustno1 access secret freedom whatever nothing something computer internet samsung google
facebook microsoft windows android iphone huawei xiaomi tencent alibaba taobao baidu weixin wechat qqqq changeme default
starwars pokemon naruto mustang ferrari mercedes porsche harley yankees lakers arsenal chelsea liverpool barcelona
madrid juventus ranger eagle tiger lion panda bear wolf horse cat dog kitty puppy bird fish snake turtle rabbit mouse
blue red green yellow black white silver gold diamond crystal star moon sun sky ocean river mountain forest island
school student teacher parent family mother father baby child children class grade homework english chinese maths
music dance guitar piano movie happy smile lucky money dollar rich king queen prince knight wizard magic power energy
hello goodbye thanks please sorry friend forever always never today tomorrow system network server database manager
office company business work manual temp temporary private public security secure safe home house door window garden
qwerty asdfgh zxcvbn asdf zxcv qwer wasd abcd abcdef abcdefg abcdefgh alphabet number letter zero one two three four five
china beijing shanghai guangzhou shenzhen hangzhou nanjing wuhan chengdu chongqing tianjin xian suzhou xiamen qingdao
""".split()  # noqa: SIM905

PINYIN = """
woaini woaiwojia woaini1314 aini woaibaobao baobao baobei laopo laogong mama baba laoma laoba jiating jiaren haizi
erzi nver nuer xuexiao xuesheng laoshi banzhuren xiaozhang jiazhang tongxue zhongguo beijing shanghai wodemima mima
mimashi nihao nihaoma xiexie zaijian kuaile xingfu pingan jiankang facai fafafa gongxi xinnian zhufu meili shuaige
meinv tiantian xiaoxiao niuniu doudou maomao lele beibei huanhuan yangyang mingming lili feifei tingting jingjing
tianshi tianxia diyi wudi daxia xiaobao xiaoming xiaohong xiaoli xiaowang xiaozhang dabao erbao sanbao longlong huhu
zhangsan lisi wangwu zhaoliu gongyu jiaxiao jiaxiaogongyu xiaoxue zhongxue youeryuan gaozhong chuzhong yinianji
ernianji sannianji sinianji wunianji liunianji yuwen shuxue yingyu tiyu yinyue meishu kexue
""".split()  # noqa: SIM905

SURNAMES = """
wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo zheng liang xie song tang deng han
feng cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren lv shen yao jin
""".split()  # noqa: SIM905

GIVEN = """
wei fang na min jing li qiang lei jun yang yong yan jie juan tao ming chao xiuying xia ping gang guiying wenjie xin
haiyan jianguo jianjun lihua xiaoli yuting zihan haoran
""".split()  # noqa: SIM905

TAILS = """
1 12 123 1234 12345 123456 1234567 12345678 123456789 1234567890 0 00 000 01 007 11 111 1111 22 222 321 4321 520 521
666 6666 88 888 8888 99 999 9999 1314 5201314 168 ! !! !@# @ @123 # . * a abc qwe 123abc 123.com @qq.com @163.com
""".split()  # noqa: SIM905

ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "0123456789")
COLUMNS = ("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm")
MORE = """
1q2w3e 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3 q1w2e3r4 q1w2e3r4t5 a1b2c3 a1b2c3d4 a1s2d3f4 qazwsx qazwsxedc qazwsxedcrfv
zaq12wsx zaq1xsw2 qweasd qweasdzxc qwe123 qweqwe qwaszx asdasd asd123 zxc123 zxczxc abc123 123abc abcd1234 aa123456
a123456 a12345678 a123456789 q123456 w123456 z123456 123456a 123456aa 123456abc 123qwe 123qweasd 123qwe123 1qaz2wsx
1qaz@wsx 1qaz!qaz !qaz2wsx !@#$%^ !@#$%^&* !@#$%^&*() 147258 147258369 159357 159753 357159 741852 741852963 789456
789456123 456789 654321 7654321 87654321 987654321 0987654321 123321 1234321 123454321 12344321 123123 123123123 112233
11223344 1122334455 121212 131313 520520 5201314 1314520 13145200 52013140 521521 7758521 7758258 31415926 314159265
123654 123654789 147852 147852369 258369 369258147 100200 110110 110120 119119 10086 10010 95588 12306 12345679
thankyou iloveyou1 loveme lovelove babygirl babyboy sweety monkey1 superstar rockstar blink182 liverpool1 nirvana metallica
123456789a 123456789q 123456qwerty 1234abcd 1234qwer 19881988 19901990 1qazxsw2 20082008 66668888 a5201314 aaaaaa
aaaaaaaa abc12345 abc123456 austin biteme dallas iloveyou2 jiaoyu123 jxgy2026 klaster li123456 matrix michelle
mobilemail monitor monitoring montana moscow qq123456 taylor thunder toor wang123 zhang123 zxcvbnm123
correcthorsebatterystaple letmeinplease pleaseletmein thisismypassword mypasswordis mypassword yourpassword newpassword
oldpassword nopassword passwordpassword password1password administrator1 iamtheadmin opensesame abracadabra
""".split()  # noqa: SIM905


def walks() -> Iterator[str]:
    """Runs along the rows of the keyboard and the alphabet, forwards and backwards, once and twice."""
    for row in ROWS:
        for line in (row, row[::-1]):
            for start in range(len(line)):
                for end in range(start + 4, len(line) + 1):
                    yield line[start:end]
                    yield line[start:end] * 2
    for count in range(2, len(COLUMNS) + 1):
        for start in range(len(COLUMNS) - count + 1):
            yield "".join(COLUMNS[start : start + count])


def digits() -> Iterator[str]:
    """Repeated digits and pairs, and every birthday from 1980 to 2015 as eight and as six digits."""
    for digit in "0123456789":
        for count in range(4, 17):
            yield digit * count
    for pair in itertools.product("0123456789", repeat=2):
        for count in (3, 4, 5, 6):
            yield "".join(pair) * count
    for three in itertools.product("0123456789", repeat=3):
        yield "".join(three) * 2
    day = date(1980, 1, 1)
    while day < date(2016, 1, 1):
        yield day.strftime("%Y%m%d")
        day += timedelta(days=1)


def lengthened() -> Iterator[str]:
    """Words and names with what people put behind them."""
    names = [surname + given for surname in SURNAMES for given in GIVEN]
    for word in [*WORDS, *PINYIN]:
        yield word
        yield from (word + tail for tail in TAILS)
        yield word * 2
    for name in names:
        yield name
        yield from (name + tail for tail in ("123", "123456"))


def passwords() -> list[str]:
    """All of them, sorted, each once, at least four characters long."""
    found = {one.lower() for one in (*MORE, *walks(), *digits(), *lengthened())}
    return sorted(one for one in found if len(one) >= 4)


def main() -> int:
    """Write the list; 0."""
    TARGET.write_text("\n".join(passwords()) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
