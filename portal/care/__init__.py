"""Care for single children: the file of a pupil (一生一档), the plan (一人一案), left-behind children, dropout watch,
referrals to partners.

Need to know only. Records belong to a pupil and the school that wrote them; whoever reads one is in the trail. Builds on
visits, whose notes the file shows as far as its reader may read them there.
"""
