// The judge is judged: a sound provider passes, and every flaw is convicted.
package providertest_test

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/providertest"
	"github.com/bucketgrant/bucketgrant/providers/providertest/internal/memory"
)

func TestConformance(t *testing.T) { providertest.Run(t, memory.World("")) }

// convictions names, for each flaw, the case that must convict it.
var convictions = map[memory.Flaw]string{
	memory.Impure:                     "CompileIsPure",
	memory.RenamesADocument:           "CompilePrintsTheGoldens",
	memory.HidesAResource:             "OfflinePlanListsWhatAFirstPlanMakes",
	memory.CutsNames:                  "LongNamesStayDistinct",
	memory.TakesAnyBucketName:         "HostilePrefixesAreRefused",
	memory.WritesInDiff:               "DiffOnlyReads",
	memory.NeverAtRest:                "ApplyTwiceKeeps",
	memory.IssuesTwice:                "ApplyTwiceKeeps",
	memory.MarksTooLate:               "OwnershipIsReadFromTheCloud",
	memory.IgnoresDrift:               "DriftIsRepaired",
	memory.CountsNothing:              "FiguresAreTrue",
	memory.IssuesTooEarly:             "KeyComesLast",
	memory.ForgetsKeys:                "EveryRunThatDiesIsGoneOnWith",
	memory.ForgetsToRetire:            "NoThreeFaultsAreTooMuch",
	memory.RetriesIssue:               "IssueIsSentOnce",
	memory.UnknownIsFailure:           "EveryDecisiveAnswerMayBeLost",
	memory.Dawdles:                    "EveryRunEndsAtACancel",
	memory.StopsHalfway:               "EveryRunThatDiesIsGoneOnWith",
	memory.NeverForgets:               "DestroyTwice",
	memory.DropsData:                  "DestroyKeepsData",
	memory.DropsStrangers:             "ForeignSettingsAreUntouched",
	memory.Widens:                     "EverythingElseRefused",
	memory.Narrows:                    "AllGrantedWorks",
	memory.PadsThePolicy:              "PolicyIsMinimal",
	memory.ForgetsTheSlash:            "SiblingPrefixRefused",
	memory.ForgetsThePrefix:           "SiblingPrefixRefused",
	memory.NeverExpires:               "ExpiredGrantIsRefused",
	memory.ElsewhereIsHere:            "OtherBucketRefused",
	memory.WritesElsewhere:            "WidenedPolicyIsConvicted",
	memory.LeavesProbes:               "AllGrantedWorks",
	memory.NeverTries:                 "TryingIsDoing",
	memory.TakesAnyFailureForARefusal: "OnlyAClearRefusalIsDenied",
	memory.TakesSilenceForConsent:     "SaysWhenNotConverged",
	memory.GivesUpEarly:               "ConvergesSlowly",
	memory.TakesWhatIsThere:           "StrangersAreRefused",
	memory.AdoptsBuckets:              "StrangersAreRefused",
	memory.MarksAdopted:               "AdoptTouchesNothing",
	memory.OneMarkForAll:              "NeighboursDoNotDisturbEachOther",
	memory.NoKinds:                    "ErrorsHaveKinds",
	memory.LeaksInRevoke:              "FailedDeliveryLeavesNoKey",
	memory.LeaksInErrors:              "SecretNowhere",
	memory.LeaksInAddress:             "SecretNowhere",
	memory.HidesANeed:                 "OperatorPermissionsAreEnough",
	memory.AsksForTooMuch:             "NoOperatorPermissionIsSuperfluous",
	memory.InventsAnIdentity:          "EveryIdentityIsJudged",
	memory.HidesTheDoor:               "EveryGrantCompilesTheSame",
	memory.AsksForNoWord:              "EveryGrantIsProven",
	memory.OpensToAnybody:             "EveryGrantIsProven",
	memory.ShutsTheDoor:               "EveryGrantIsProven",
	memory.OnlySimulates:              "EveryIdentityIsJudged",
	memory.HidesWhatAskingTakes:       "EveryOperatorCanDoEverything",
	memory.CannotBeAsked:              "EveryGrantIsProvenFromAfar",
	memory.TriesLittle:                "EveryGrantIsProven",
	memory.ForgesNothing:              "EveryGrantIsProven",
	memory.LeaksSessions:              "EveryGrantIsProven",
	memory.TellsTheSecret:             "EveryGrantIsKept",
	memory.TellsSomethingElse:         "EveryGrantIsKept",
	memory.PlansTheDoorByWriting:      "EveryGrantCompilesTheSame",
	memory.ForgetsTheEndOfTheDoor:     "EveryGrantEndsInTime",
	memory.AsksOnlyOnce:               "EveryGrantConvergesSlowly",
	memory.TrustsLater:                "EveryRunThatDiesIsGoneOnWith",
	memory.ForgetsHalfADoor:           "EveryRunThatDiesIsGoneOnWith",
	memory.LeavesTheDoor:              "EveryGrantLeavesWhatIsForeign",
	memory.LeavesTheEmptyBucket:       "EveryGrantTakesItsEmptyBucketAlong",
	memory.TakesAnyPrincipal:          "EveryGrantRefusesStrangers",
	memory.IgnoresOrphans:             "EveryLostPrincipalIsMadeAgain",
	memory.MendsStrangers:             "EveryLostPrincipalIsMadeAgain",
	memory.NeverForges:                "EveryExcessIsConvicted",
	memory.SimulatesNothing:           "EveryExcessIsConvicted",
	memory.IgnoresTheDoor:             "EveryMissingPowerIsConvicted",
	memory.PadsTheDoor:                "EveryMissingPowerIsConvicted",
	memory.HidesANeedOfTheDoor:        "EveryOperatorCanDoEverything",
	memory.AsksForKeysToo:             "NoOperatorPermissionOfAnyGrantIsSuperfluous",
	memory.MarksSharedAsItsOwn:        "SharedBucketServesSeveralGrants",
	memory.DropsShared:                "SharedBucketServesSeveralGrants",
	memory.SharesAnything:             "SharedBucketIsNobodysOwn",
	memory.DropsTheOldKeyFirst:        "RotationKeepsTheOldKeyUntilTheNewIsDelivered",
	memory.HidesTheAge:                "RotationRefusesBeforeItStartsWhenThereIsNoRoom",
	memory.ReadsOnePage:               "SecondStartIsRefused",
	memory.ForgetsUse:                 "FinishRefusesWhileTheOldKeyIsInUse",
	memory.SwitchesByDeleting:         "FinishSwitchesOffThenDeletesAfterTheGrace",
	memory.NeverRejected:              "FinishSwitchesOffThenDeletesAfterTheGrace",
	memory.SeesEveryKeyActive:         "FinishSwitchesOffThenDeletesAfterTheGrace",
	memory.ForgetsUseOfTheIdle:        "FinishNeverDeletesAKeyThatWasUsedSince",
	memory.SwitchesOnlyOff:            "AbortBringsTheOldKeyBack",
	memory.RemembersTheFirstUse:       "AbortRefusesAUsedKey",
	memory.SwitchesTheOldest:          "KeysOfUnknownOriginAreNotTouchedUnlessNamed",
	memory.RetiresTheYoungest:         "ReissueReplacesALostSecret",
	memory.RetiresByHalf:              "EveryRunThatDiesIsGoneOnWith",
	memory.ShutsNothing:               "EveryRevokedAccessIsRefusedAtOnce",
	memory.LooksAround:                "RevokeNeedsNothingElse",
	memory.ReopensTheDoor:             "ApplyDoesNotReopenWhatWasRevoked",
	memory.RestoresMore:               "RestoreGivesBackExactlyWhatWasThere",
	memory.OpensEverything:            "RestoreLeavesWhatItDoesNotKnowOff",
	memory.OpensStolenKeys:            "RestoreLeavesCompromisedKeysOff",
	memory.ShutsStrangers:             "RevokingAStrangersPrincipalDoesNothing",
	memory.KeepsTheShut:               "RevokedGrantCanBeDestroyed",
	memory.ShutsSilently:              "EveryRunOutlivesEveryFault",
	memory.UnmarksToMend:              "EveryRecoveryThatDiesIsGoneOnWith",
	memory.ClaimsWhatWasLost:          "EveryRunOutlivesEveryFault",
	memory.RingsForAll:                "EveryKeyringHasKeys",
	memory.CriesWolf:                  "FreshGrantHasNoFindings",
	memory.OverlooksLogins:            "InspectionFindsWhatIsWrong",
	memory.DoubtsEverything:           "PreflightOfWhoMayDoEverythingDeniesNothing",
	memory.PromisesEverything:         "PreflightPromisesNothingThatIsMissing",
	memory.HidesANeedOfRotation:       "OperatorCanRotateAndRevoke",
	memory.MindsNobody:                "RunsAtTheSameTimeSpareEachOther",
	memory.AsksToRotateMore:           "NoPermissionOfTheLaterStepsIsSuperfluous",
	memory.CallsLateAFailure:          "EveryWriteMayBeSeenLate",
	memory.IssuesUntilListed:          "EveryWriteMayBeSeenLate",
}

func TestEveryFlawIsConvicted(t *testing.T) {
	for flaw, name := range convictions {
		t.Run(strings.ReplaceAll(string(flaw), " ", "-"), func(t *testing.T) {
			t.Parallel()
			failure := providertest.Verdict(t, name, memory.World(flaw))
			if failure == "" {
				t.Fatalf("a provider that %s: got acquitted by %s, want convicted", flaw, name)
			}
			line, _, _ := strings.Cut(failure, "\n")
			t.Logf("%s: %s", name, line)
		})
	}
}

func TestEveryCaseConvictsSomebody(t *testing.T) {
	used := map[string]bool{}
	for _, name := range convictions {
		used[name] = true
	}
	for _, name := range providertest.CaseNames() {
		if !used[name] {
			t.Errorf("%s convicts no flaw: a case that nobody can fail proves nothing", name)
		}
	}
}
