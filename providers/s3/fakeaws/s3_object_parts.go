// The parts of an object that have calls of their own: tags and ACL.
package fakeaws

func getObjectTagging(k *s3Call) error {
	o, err := k.object("s3:GetObjectTagging")
	if err != nil {
		return err
	}
	return k.replyTags(o.Tags)
}

func putObjectTagging(k *s3Call) error {
	o, err := k.object("s3:PutObjectTagging")
	if err != nil {
		return err
	}
	tags, err := k.parseTags(10)
	if err != nil {
		return err
	}
	o.Tags = tags
	return nil
}

func deleteObjectTagging(k *s3Call) error {
	o, err := k.object("s3:DeleteObjectTagging")
	if err != nil {
		return err
	}
	o.Tags = nil
	k.w.WriteHeader(204)
	return nil
}

func getObjectACL(k *s3Call) error {
	if _, err := k.object("s3:GetObjectAcl"); err != nil {
		return err
	}
	return k.replyACL()
}

func (k *s3Call) replyACL() error {
	type grantee struct {
		Attr string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		ID   string
	}
	type grant struct {
		Grantee    grantee
		Permission string
	}
	owner := canonicalID(k.bucket.Owner)
	return k.reply("AccessControlPolicy", struct {
		Owner             ownerXML
		AccessControlList struct{ Grant []grant }
	}{owner, struct{ Grant []grant }{[]grant{{grantee{"CanonicalUser", owner.ID}, "FULL_CONTROL"}}}})
}

func putObjectACL(k *s3Call) error {
	if k.bucket.Ownership == ownerEnforced {
		return &apiError{Code: "AccessControlListNotSupported", Status: 400, Message: "The bucket does not allow ACLs"}
	}
	return nil
}
