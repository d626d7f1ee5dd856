"""Classes, schools and pupils as those who work with them see them."""

from flask import Blueprint
from sqlalchemy import select

from portal.access import actor, requires
from portal.extensions import db
from portal.schools.models import Enrolment, Pupil, SchoolClass
from portal.schools.policy import CLASS_READ, in_force
from portal.templating import render

bp = Blueprint("schools", __name__, url_prefix="/schools")


@bp.get("/class")
@requires(CLASS_READ)
def my_class() -> str:
    """The pupils of the teacher's class."""
    school_class = db.session.scalar(CLASS_READ.rows(actor()).order_by(SchoolClass.id).limit(1))
    pupils = (
        db.session.scalars(
            select(Pupil)
            .join(Enrolment)
            .where(Enrolment.class_id == school_class.id, in_force(Enrolment, actor()))
            .order_by(Pupil.name_pinyin, Pupil.id)
        ).all()
        if school_class
        else []
    )
    return render("schools/my_class.html", school_class=school_class, pupils=pupils)
