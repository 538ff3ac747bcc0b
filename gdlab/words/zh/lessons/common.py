"""What the checks of every lesson says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    " (None is what a cell or a function without a value gives)": "（None 是没有值的单元格或函数给出的）",
    "{v1} Put your answer in place of the dots{why}; gd.course.hint({question!r}) helps.": "{v1}请把你的答案放到省略号的位置{why}；gd.course.hint({question!r}) 会给提示。",
    "Your answer ended in {v1}: {v2}. {v3}": "你的答案以 {v1} 结束：{v2}。{v3}",
    " (There is another: gd.course.hint({question!r}, {v1}).)": "（还有一条：gd.course.hint({question!r}, {v1})。）",
    "The course has no such question. Its lessons are {v1}.": "课程没有这个问题。它的课有 {v1}。",
    "Lesson {lesson} has no such question. It has {v1}.": "第 {lesson} 课没有这个问题。它有 {v1}。",
    "no message": "没有消息",
    "a message that cannot be shown": "一条无法显示的消息",
    "this asks for {asked}, not for yes or no": "这里要的是{asked}，而不是是或否",
    "this asks for {asked}, and that is {v1} values; give one": "这里要的是{asked}，而给出的是 {v1} 个值；请给一个",
    "this asks for {asked}, and that is a function; call it with ()": "这里要的是{asked}，而给出的是一个函数；请用 () 调用它",
    "this asks for {asked}, not for a {v1}": "这里要的是{asked}，而不是 {v1}",
    "this asks for {asked}, and that is {value}": "这里要的是{asked}，而给出的是 {value}",
    "this asks for {asked}, such as 12.5, and not for the text {v1!r}": "这里要的是{asked}，例如 12.5，而不是文本 {v1!r}",
    "this asks for {asked}, and not for {v1!r}; give the number alone": "这里要的是{asked}，而不是 {v1!r}；请只给数字",
    "this asks for a word in quotes, not for a {v1}": "这里要的是引号里的一个词，而不是 {v1}",
    "a number": "一个数",
    "a number ({unit})": "一个数（{unit}）",
    "a {kind}": "一个 {kind}",
    "{question} {mark}. ": "{question} {mark}。",
    "Not answered yet": "还没有回答",
    "Right": "正确",
    "Not yet": "还不对",
    "Hint": "提示",
}
